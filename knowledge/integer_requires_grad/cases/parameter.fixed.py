import torch
from torch import nn


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([1, 2], dtype=torch.float32))

    def forward(self, x):
        return self.factor * x


layer = Scale()
layer(torch.ones(2)).sum().backward()
print(layer.factor.grad)
