import torch
from torch import nn

torch.manual_seed(0)
cell = nn.RNNCell(2, 3)
h = torch.zeros(4, 3)
total = 0
for x in torch.randn(5, 4, 2):
    h = cell(x, h)
    total = total + h.pow(2).mean()
total.backward()
print(cell.weight_hh.grad.shape)
