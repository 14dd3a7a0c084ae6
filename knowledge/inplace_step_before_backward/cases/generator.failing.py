import torch
from torch import nn

torch.manual_seed(0)
G = nn.Linear(2, 3)
D = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
g_opt = torch.optim.Adam(G.parameters(), lr=0.01)
d_opt = torch.optim.Adam(D.parameters(), lr=0.01)
real = torch.randn(5, 3)


def train(batch):
    fake = G(torch.randn(len(batch), 2))
    d_loss = D(fake.detach()).mean() - D(batch).mean()
    g_loss = -D(fake).mean()
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()


for _ in range(2):
    train(real)
