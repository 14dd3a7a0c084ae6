import torch
from torch import nn

torch.manual_seed(0)
body, head = nn.Linear(3, 4), nn.Linear(4, 1)
body.requires_grad_(False)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
for step in range(2):
    optimizer.zero_grad()
    head(body(torch.ones(2, 3))).sum().backward()
    optimizer.step()
for parameter in body.parameters():
    assert parameter.grad is None, "the body must stay as it is"
