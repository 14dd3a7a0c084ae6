import torch

flat = torch.arange(6.0, requires_grad=True)
grid = flat.reshape(2, 3)
(grid**2).sum().backward()
print(flat.grad)
