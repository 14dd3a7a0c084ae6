import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
out = torch.tensor(net(torch.ones(4, 3)))
loss = (out - 1).pow(2).mean()
loss.backward()
print(net.weight.grad)
