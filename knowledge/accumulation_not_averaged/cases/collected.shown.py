import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
parts = 4
for i, x in enumerate(torch.randn(8, 3, 2)):
    loss = net(x).pow(2).mean()
    loss.backward()
    if (i + 1) % parts == 0:
        optimizer.step()
        optimizer.zero_grad()
