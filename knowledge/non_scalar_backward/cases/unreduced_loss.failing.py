import torch
from torch import nn

torch.manual_seed(1)
net = nn.Linear(3, 1)
inputs, targets = torch.randn(6, 3), torch.randn(6, 1)
loss = nn.MSELoss(reduction="none")(net(inputs), targets)
loss.backward(retain_graph=True)
net.weight.grad
