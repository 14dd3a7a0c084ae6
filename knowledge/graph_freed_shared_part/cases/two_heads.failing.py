import torch
from torch import nn

torch.manual_seed(0)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(4, 8)
        self.number = nn.Linear(8, 1)
        self.label = nn.Linear(8, 3)

    def forward(self, x):
        h = torch.relu(self.trunk(x))
        return self.number(h), self.label(h)


net = TwoHeads()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
X, y, c = torch.randn(6, 4), torch.randn(6, 1), torch.randint(0, 3, (6,))
for epoch in range(2):
    optimizer.zero_grad()
    number, label = net(X)
    loss1 = nn.functional.mse_loss(number, y)
    loss2 = nn.functional.cross_entropy(label, c)
    loss1.backward()
    loss2.backward()
    optimizer.step()
