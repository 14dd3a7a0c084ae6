import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
for layer in net[0].parameters():
    layer.requires_grad = False  # only train the last layer
net(torch.ones(2, 3)).sum().backward()
print(net[2].weight.grad)
