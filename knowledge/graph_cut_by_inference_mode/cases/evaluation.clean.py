import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
net(torch.ones(2, 3)).sum().backward()
with torch.inference_mode():
    print(net(torch.ones(2, 3)).shape)
print(net.weight.grad)
