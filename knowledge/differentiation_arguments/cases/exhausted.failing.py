import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
parameters = net.parameters()
print(sum(p.numel() for p in parameters))
loss = net(torch.ones(3, 2)).mean()
grads = torch.autograd.grad(loss, list(parameters))
