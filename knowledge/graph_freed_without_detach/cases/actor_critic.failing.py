import torch
from torch import nn

torch.manual_seed(0)
actor = nn.Linear(3, 2)
critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
actor_opt = torch.optim.SGD(actor.parameters(), lr=0.01)
critic_opt = torch.optim.SGD(critic.parameters(), lr=0.01)

states, returns = torch.randn(5, 3), torch.randn(5)
log_probs = torch.log_softmax(actor(states), dim=1)[:, 0]
values = critic(states).squeeze(1)
advantage = returns - values
critic_loss = advantage.pow(2).mean()
critic_opt.zero_grad()
critic_loss.backward()
critic_opt.step()

actor_loss = -(log_probs * advantage).mean()
actor_opt.zero_grad()
actor_loss.backward()
actor_opt.step()
