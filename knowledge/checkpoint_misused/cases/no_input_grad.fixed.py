import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
layer = nn.Linear(3, 1)
out = checkpoint(layer, torch.ones(2, 3), use_reentrant=False)
out.sum().backward()
print(layer.weight.grad)
