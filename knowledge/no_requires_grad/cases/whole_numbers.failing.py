import torch

x = torch.arange(4)
y = 2 * torch.dot(x, x)
y.backward()
x.grad
