import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
for p in backbone.parameters():
    p.requires_grad_(False)
head = nn.Linear(3, 1)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)

before = backbone[1].running_mean.clone()
for x in torch.randn(3, 8, 3):
    optimizer.zero_grad()
    head(backbone(x)).pow(2).mean().backward()
    optimizer.step()
print(backbone[1].running_mean - before)  # not zero

backbone.eval()
before = backbone[1].running_mean.clone()
backbone(torch.randn(8, 3))
print(backbone[1].running_mean - before)  # zero
