import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
trainer = torch.optim.SGD(net.parameters(), lr=0.03)
for epoch in range(3):
    l = net(torch.randn(8, 2)).pow(2).mean()
    trainer.zero_grad()
    l.backward()
    trainer.step()
