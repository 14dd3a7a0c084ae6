import torch

with torch.no_grad():
    start = torch.full((3,), 0.5)
start.requires_grad_()
(start**2).sum().backward()
print(start.grad)
