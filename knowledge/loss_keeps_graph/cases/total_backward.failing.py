import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
total = 0
for x in torch.randn(3, 8, 3):
    loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
    total += loss
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
print(total.item())
