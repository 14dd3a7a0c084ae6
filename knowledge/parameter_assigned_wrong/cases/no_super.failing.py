import torch
from torch import nn


class Shift(nn.Module):
    def __init__(self):
        self.amount = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x + self.amount


print(Shift()(torch.ones(2)))
