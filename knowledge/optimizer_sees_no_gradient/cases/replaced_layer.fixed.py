import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        return self.fc(x)


torch.manual_seed(0)
model = Net()
model.fc = nn.Linear(2, 1)
trainer = torch.optim.SGD(model.parameters(), lr=0.5)
X = torch.randn(5, 2)
for epoch in range(2):
    l = model(X).pow(2).mean()
    trainer.zero_grad()
    l.backward()
    trainer.step()
