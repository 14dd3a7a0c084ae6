import torch

grid = torch.arange(6.0).reshape(2, 3).requires_grad_()
energy = (grid**2).sum()
energy.backward()
print(grid.grad)
