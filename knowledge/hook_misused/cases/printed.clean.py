import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(2, 1)
layer.register_full_backward_hook(lambda module, given, made: print(made[0].shape))
layer(torch.ones(1, 2, requires_grad=True)).sum().backward()
