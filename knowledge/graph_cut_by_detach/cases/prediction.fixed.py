import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
inputs, targets = torch.randn(6, 3), torch.randn(6, 1)
prediction = net(inputs)
loss = nn.functional.mse_loss(prediction, targets)
loss.backward()
print(net.weight.grad)
