import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
model[2] = nn.Linear(3, 1)
trainer = torch.optim.SGD(model[2].parameters(), lr=0.5)
X = torch.randn(5, 3)
for epoch in range(2):
    l = model(X).pow(2).mean()
    trainer.zero_grad()
    l.backward()
    trainer.step()
