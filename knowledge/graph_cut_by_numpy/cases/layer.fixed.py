import numpy as np
import torch
from torch import nn


class Clipped(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, 2.0]))

    def forward(self, x):
        out = self.weight * x
        out = torch.clip(out, 0, 1)
        return out


model = Clipped()
loss = model(torch.ones(2)).sum()
loss.backward()
print(model.weight.grad)
