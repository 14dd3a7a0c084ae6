import torch
from torch import nn

torch.manual_seed(0)
scale = nn.Parameter(torch.ones(3)).double()
(scale * 2).sum().backward()
print(scale.grad)
