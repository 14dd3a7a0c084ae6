import torch

x = torch.arange(3.0, requires_grad=True)
y = torch.exp(x)
y.backward(gradient=torch.ones_like(y))
x.grad
