import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
total = 0
for batch in torch.randn(3, 4, 2):
    loss = (net(batch) ** 2).mean()
    total += loss
total.backward()
print(net.weight.grad)
