import torch
from torch import nn

layer = nn.Module()
base = torch.ones(2, requires_grad=True)
layer.register_parameter("weight", nn.Parameter(base * 2))
layer.register_parameter("other", nn.Parameter(base).exp().as_subclass(nn.Parameter))
