import torch

x = torch.arange(4.0, requires_grad=True)
y = 2 * torch.dot(x, x)
gradient = y.backward()
print(gradient)
