import torch
torch.manual_seed(0)
from torch import nn
net = nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.rand(4, 2)
for _ in range(2):
    out = net(x)
    a = out.abs().mean()
    b = (out ** 2).mean()
    loss = torch.dot(torch.tensor([1.0, 1.0]), torch.stack([a, b]))
    opt.zero_grad()
    loss.backward()
    opt.step()
