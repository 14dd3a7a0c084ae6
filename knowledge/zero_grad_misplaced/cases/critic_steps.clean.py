import torch
from torch import nn

torch.manual_seed(0)
G, D = nn.Linear(2, 3), nn.Linear(3, 1)
g_opt = torch.optim.SGD(G.parameters(), lr=0.05)
d_opt = torch.optim.SGD(D.parameters(), lr=0.05)
for step in range(6):
    fake = G(torch.randn(6, 2))
    d_opt.zero_grad()
    (D(fake.detach()).mean() - D(torch.randn(6, 3)).mean()).backward()
    d_opt.step()
    if step % 3 == 2:
        g_opt.zero_grad()
        (-D(fake).mean()).backward()
        g_opt.step()
