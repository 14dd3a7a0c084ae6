import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * x
y = y.detach()
z = (y * x).sum()
z.backward()
print(x.grad)
