import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
net.requires_grad_(False)
picture = torch.zeros(1, 3, requires_grad=True)
net(picture).sum().backward()
print(picture.grad)
