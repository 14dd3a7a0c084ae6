import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x in torch.randn(4, 8, 2):
    net(x).pow(2).mean().backward()
    optimizer.step()
    optimizer.zero_grad()
