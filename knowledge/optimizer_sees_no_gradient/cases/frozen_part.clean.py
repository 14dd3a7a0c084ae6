import torch
from torch import nn

torch.manual_seed(0)
features = nn.Linear(3, 4)
for p in features.parameters():
    p.requires_grad_(False)
head = nn.Linear(4, 1)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
for x in torch.randn(3, 5, 3):
    optimizer.zero_grad()
    head(features(x)).pow(2).mean().backward()
    optimizer.step()
