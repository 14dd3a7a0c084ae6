import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.ReLU(inplace=True), nn.Linear(4, 1))
with torch.no_grad():
    net[0].bias += 0.5
loss = net(torch.randn(5, 3)).pow(2).mean()
loss.backward()
