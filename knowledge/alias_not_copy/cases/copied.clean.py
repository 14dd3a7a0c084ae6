import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
old = net.weight.detach().clone()
net(torch.ones(3, 2)).sum().backward()
optimizer.step()
print(net.weight - old)
