import torch
from torch import nn

layer = nn.Linear(2, 1)
layer.register_full_backward_hook(lambda module, given, made: (given[0], given[0]))
x = torch.ones(1, 2, requires_grad=True)
layer(x).sum().backward()
