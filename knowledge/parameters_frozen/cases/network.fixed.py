import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


torch.manual_seed(0)
net = Classifier()
net.requires_grad_(False)
net.head.requires_grad_(True)
optimizer = torch.optim.Adam(net.head.parameters(), lr=0.01)
X, y = torch.randn(8, 6), torch.randint(0, 3, (8,))
for epoch in range(2):
    optimizer.zero_grad()
    l = nn.functional.cross_entropy(net(X), y)
    l.backward()
    optimizer.step()
