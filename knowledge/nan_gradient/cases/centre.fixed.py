import torch
from torch import nn


class CentreLoss(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(size))

    def forward(self, x):
        squares = (x - self.centre).pow(2).sum(dim=1)
        lengths = (squares + 1e-8)**0.5
        return (lengths - 1).abs().mean()


torch.manual_seed(0)
criterion = CentreLoss(2)
optimizer = torch.optim.SGD(criterion.parameters(), lr=0.1)
batch = torch.tensor([[0.0, 0.0], [1.0, 2.0], [-1.0, 0.5]])
for epoch in range(2):
    optimizer.zero_grad()
    loss = criterion(batch)
    loss.backward()
    optimizer.step()
    print(loss.item(), criterion.centre.grad)
