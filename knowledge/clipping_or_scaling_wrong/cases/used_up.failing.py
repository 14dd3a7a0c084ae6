import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
parameters = net.parameters()
print(len(list(parameters)))
net(torch.ones(3, 2)).sum().backward()
nn.utils.clip_grad_norm_(parameters, 0.1)
