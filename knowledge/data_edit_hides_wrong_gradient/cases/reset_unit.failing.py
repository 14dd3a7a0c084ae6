import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return (torch.tanh(self.first(x)) * self.scale).sum()


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x in torch.randn(2, 4, 2):
    optimizer.zero_grad()
    loss = net(x)
    net.scale.data[0] = 5.0
    loss.backward()
    optimizer.step()
print(net.first.weight)
