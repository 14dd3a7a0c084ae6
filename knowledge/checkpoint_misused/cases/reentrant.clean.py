import torch
from torch.utils.checkpoint import checkpoint

x = torch.ones(2, requires_grad=True)
checkpoint(torch.sin, x, use_reentrant=True).sum().backward()
print(x.grad)
