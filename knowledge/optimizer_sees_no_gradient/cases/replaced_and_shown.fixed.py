import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential()
model.add_module("body", nn.Linear(3, 3))
model.add_module("head", nn.Linear(3, 2))
for p in model.body.parameters():
    p.requires_grad_(False)
model.head = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
X = torch.randn(5, 3)
for epoch in range(3):
    optimizer.zero_grad()
    loss = model(X).pow(2).mean()
    loss.backward()
    optimizer.step()
    print(loss.item(), model.head.weight.grad.abs().mean().item())
