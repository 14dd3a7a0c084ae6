import torch
from torch import nn


class Gated(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.gate = nn.Linear(width, width)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.norm(x)
        weights = torch.sigmoid(self.gate(out.mean((2, 3))))
        side = out * weights[:, :, None, None]
        return self.act(out) + side


torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 8, 3), Gated(8), nn.Flatten(), nn.LazyLinear(2))
loss = nn.CrossEntropyLoss()(net(torch.randn(4, 3, 8, 8)), torch.tensor([0, 1, 1, 0]))
loss.backward()
