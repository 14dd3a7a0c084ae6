import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
groups = [{"params": net.parameters()}, {"params": net[1].parameters(), "lr": 0.01}]
optimizer = torch.optim.SGD(groups, lr=0.1)
