import torch
from torch import nn

torch.manual_seed(0)
body, head = nn.Linear(3, 2), nn.Linear(2, 1)
features = body(torch.ones(4, 3))
features = features.detach()
head(features).sum().backward()
print(head.weight.grad, body.weight.grad)
