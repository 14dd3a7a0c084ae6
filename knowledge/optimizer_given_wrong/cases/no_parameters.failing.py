import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
parameters = net.parameters()
print("numbers to learn:", sum(p.numel() for p in parameters))
optimizer = torch.optim.SGD(parameters, lr=0.1)
