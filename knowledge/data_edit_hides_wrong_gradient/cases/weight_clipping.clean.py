import torch
from torch import nn

torch.manual_seed(0)
critic = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.RMSprop(critic.parameters(), lr=0.01)
for x in torch.randn(3, 8, 2):
    optimizer.zero_grad()
    loss = -critic(x).mean()
    loss.backward()
    optimizer.step()
    for p in critic.parameters():
        p.data.clamp_(-0.1, 0.1)
