import torch

x = torch.arange(3.0, requires_grad=True)
y = torch.exp(x)
y.backward(gradient=1.0)
x.grad
