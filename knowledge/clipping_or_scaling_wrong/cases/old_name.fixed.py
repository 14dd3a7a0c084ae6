import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
net(torch.ones(3, 2)).sum().backward()
nn.utils.clip_grad_norm_(net.parameters(), 1.0)
print(net.bias.grad)
