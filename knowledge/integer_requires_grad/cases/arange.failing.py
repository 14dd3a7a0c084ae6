import torch

x = torch.arange(4, requires_grad=True)
y = 2 * torch.dot(x, x)
y.backward()
x.grad
