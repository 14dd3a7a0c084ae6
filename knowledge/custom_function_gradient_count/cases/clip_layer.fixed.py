import torch
from torch import nn
from torch.autograd import Function


class ClipGradient(Function):
    @staticmethod
    def forward(ctx, x, low, high):
        ctx.bounds = (low, high)
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        low, high = ctx.bounds
        return grad.clamp(low, high), None, None


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 1)

    def forward(self, x):
        return ClipGradient.apply(self.fc(x), -100.0, 100.0)


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x in torch.randn(2, 4, 3):
    optimizer.zero_grad()
    loss = net(x).pow(2).mean()
    loss.backward()
    optimizer.step()
