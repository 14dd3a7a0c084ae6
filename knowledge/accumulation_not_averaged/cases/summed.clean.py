import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
for i, x in enumerate(torch.randn(8, 3, 2)):
    net(x).pow(2).sum().backward()
    if i % 4 == 3:
        optimizer.step()
        optimizer.zero_grad()
