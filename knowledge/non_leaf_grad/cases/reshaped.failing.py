import torch

grid = torch.arange(6.0, requires_grad=True).reshape(2, 3)
energy = (grid**2).sum()
energy.backward()
print(grid.grad)
