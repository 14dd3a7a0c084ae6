import torch

x = torch.arange(4.0, requires_grad=True)
y = x * x
y.sum().backward()
x.grad
