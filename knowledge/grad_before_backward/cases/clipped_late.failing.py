import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    l = net(torch.ones(4, 2)).pow(2).mean()
    l.backward()
    trainer.step()
    trainer.zero_grad()
    print(epoch, net.weight.grad.norm())
