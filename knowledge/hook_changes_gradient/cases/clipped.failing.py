import torch
from torch import nn


def clip(grad):
    print("clipping")
    grad = grad.clamp(-0.1, 0.1)


torch.manual_seed(0)
net = nn.Linear(3, 1)
for p in net.parameters():
    p.register_hook(clip)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
optimizer.zero_grad()
net(torch.ones(4, 3)).pow(2).sum().backward()
optimizer.step()
print(net.weight.grad)
