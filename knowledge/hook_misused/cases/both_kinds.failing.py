import torch
from torch import nn

layer = nn.Linear(2, 1)
layer.register_full_backward_hook(lambda module, given, made: None)
layer.register_backward_hook(lambda module, given, made: None)
