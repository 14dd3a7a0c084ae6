import torch
from torch import nn

torch.manual_seed(0)
maker, judge = nn.Linear(2, 2), nn.Linear(2, 1)
first = torch.optim.SGD(maker.parameters(), lr=0.1)
unused = nn.Linear(2, 2)
second = torch.optim.SGD([*judge.parameters(), *unused.parameters()], lr=0.1)
made = maker(torch.randn(4, 2))
loss = judge(made).mean()
loss.backward()
first.step()
second.step()
