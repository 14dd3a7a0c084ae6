import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
total = 0
for x in torch.randn(4, 8, 3):
    total += net(x).pow(2).mean()
total.backward()
print(net.weight.grad.shape)
