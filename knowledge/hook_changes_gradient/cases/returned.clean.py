import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
for p in net.parameters():
    p.register_hook(lambda grad: grad.clamp(-1, 1))
net.weight.register_hook(lambda grad: torch.nan_to_num(grad))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x in torch.randn(3, 4, 2):
    optimizer.zero_grad()
    net(x).pow(2).mean().backward()
    optimizer.step()
