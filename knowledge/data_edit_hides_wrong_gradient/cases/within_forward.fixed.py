import torch
from torch import nn


class Damped(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        h = torch.sigmoid(self.layer(x))
        h = h.mul(0.3)
        return h.pow(2).sum()


torch.manual_seed(0)
net = Damped()
net(torch.randn(4, 3)).backward()
print(net.layer.weight.grad)
