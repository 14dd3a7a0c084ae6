import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 6), nn.Tanh(), nn.Linear(6, n_out))

    def forward(self, x):
        return self.net(x)


def update(generator, critic, opt_g, opt_c, real):
    made = generator(torch.randn(len(real), 2))
    opt_c.zero_grad()
    loss_c = critic(made.detach()).mean() - critic(real).mean()
    loss_c.backward()
    opt_c.step()
    opt_g.zero_grad()
    loss_g = -critic(made).mean()
    loss_g.backward()
    opt_g.step()


torch.manual_seed(0)
generator, critic = MLP(2, 3), MLP(3, 1)
opt_g = torch.optim.Adam(generator.parameters())
opt_c = torch.optim.Adam(critic.parameters())
update(generator, critic, opt_g, opt_c, torch.randn(4, 3))
