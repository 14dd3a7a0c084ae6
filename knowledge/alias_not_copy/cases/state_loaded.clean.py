import copy

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
X, y = torch.randn(6, 2), torch.randn(6, 1)
best, lowest = copy.deepcopy(net.state_dict()), float("inf")
for epoch in range(3):
    trainer.zero_grad()
    loss = nn.functional.mse_loss(net(X), y)
    loss.backward()
    if loss.item() < lowest:
        best, lowest = copy.deepcopy(net.state_dict()), loss.item()
    trainer.step()
net.load_state_dict(best)
