import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
        self.out = nn.Linear(sizes[-1], 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.out(x)


torch.manual_seed(0)
net = MLP([3, 8, 8])
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
X = torch.randn(16, 3)
for epoch in range(2):
    optimizer.zero_grad()
    loss = net(X).pow(2).mean()
    loss.backward()
    optimizer.step()
