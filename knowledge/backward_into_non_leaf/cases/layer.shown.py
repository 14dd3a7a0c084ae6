import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Linear(2, 2)
features = layer(torch.ones(1, 2))
torch.autograd.backward(features.pow(2).sum(), inputs=[features])
print(features.grad)
print(layer.weight.grad)
