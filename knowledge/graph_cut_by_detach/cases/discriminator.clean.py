import torch
from torch import nn

torch.manual_seed(0)
maker, judge = nn.Linear(2, 2), nn.Linear(2, 1)
made = maker(torch.randn(3, 2))
judge(made.detach()).sum().backward()
print(judge.weight.grad.shape, maker.weight.grad)
