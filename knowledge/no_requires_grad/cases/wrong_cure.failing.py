import torch

t = torch.linspace(0, 1, 5)
energy = (t**3).sum()
energy.requires_grad_(True)  # otherwise backward complains
energy.backward()
print(t.grad)
