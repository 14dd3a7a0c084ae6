import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(4, 1))
net(torch.randn(5, 3)).pow(2).mean().backward()
print(net[0].weight.grad.shape)
