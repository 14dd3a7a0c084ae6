import torch
from torch import nn


class Phase(nn.Module):
    def __init__(self):
        super().__init__()
        self.angle = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return x * torch.exp(1j * self.angle)


model = Phase()
error = (model(torch.ones(3)) - 1j).mean()
error.backward()
print(model.angle.grad)
