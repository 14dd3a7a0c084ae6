import torch

x = torch.arange(4, dtype=torch.float32, requires_grad=True)
y = 2 * torch.dot(x, x)
y.backward()
x.grad
