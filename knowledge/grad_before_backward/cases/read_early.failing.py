import torch

x = torch.arange(3.0, requires_grad=True)
y = (x**3).sum()
print(x.grad.max())
y.backward()
