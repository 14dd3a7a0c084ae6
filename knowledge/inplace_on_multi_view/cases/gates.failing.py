import torch
from torch import nn


class Cell(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.gates = nn.Linear(size, 3 * size)

    def forward(self, x):
        i, f, o = self.gates(x).split(2, dim=1)
        f.add_(1.0)  # remember by default
        return torch.sigmoid(f) * x + torch.sigmoid(i) * torch.tanh(o)


torch.manual_seed(0)
cell = Cell(2)
cell(torch.ones(3, 2)).sum().backward()
print(cell.gates.bias.grad)
