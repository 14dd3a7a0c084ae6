import copy

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.last = None

    def forward(self, x):
        self.last = self.layer(x)
        return self.last


torch.manual_seed(0)
net = Net()
net(torch.ones(1, 2)).sum().backward()
best_net = copy.deepcopy(net)
