import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
image = torch.randn(1, 3, requires_grad=True)
optimizer = torch.optim.SGD([image], lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    net(image).sum().backward()
    optimizer.step()
