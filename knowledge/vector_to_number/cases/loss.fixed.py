import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
losses = nn.MSELoss(reduction="none")(net(torch.ones(3, 2)), torch.zeros(3, 1))
print(losses.mean().item())
