import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
for p in backbone.parameters():
    p.requires_grad_(False)
backbone.eval()
head = nn.Linear(3, 1)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
optimizer.zero_grad()
head(backbone(torch.randn(8, 3))).pow(2).mean().backward()
optimizer.step()
