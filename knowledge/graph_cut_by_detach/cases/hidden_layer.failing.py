import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 1)

    def forward(self, x):
        h = torch.tanh(self.first(x))
        return self.second(h.detach())


torch.manual_seed(0)
net = Net()
net(torch.ones(2, 3)).sum().backward()
norm = net.first.weight.grad.norm()
print(norm)
