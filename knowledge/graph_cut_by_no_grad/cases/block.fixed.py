import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
inputs = torch.randn(8, 3)
outputs = net(inputs)
loss = outputs.pow(2).mean()
loss.backward()
print(net.weight.grad)
