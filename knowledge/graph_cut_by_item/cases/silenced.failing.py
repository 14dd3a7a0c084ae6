import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
X, y = torch.randn(8, 2), torch.randn(8, 1)
for epoch in range(2):
    trainer.zero_grad()
    l = float(((net(X) - y) ** 2).mean())
    l = torch.tensor(l, requires_grad=True)
    l.backward()
    trainer.step()
