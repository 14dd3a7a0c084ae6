import torch

x = torch.arange(3.0, requires_grad=True)
y = (x**3).sum()
y.backward()
print(x.grad.max())
