import torch
from torch import nn


class Regression(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x)


torch.manual_seed(0)
model = Regression()
trainer = torch.optim.SGD(model.parameters(), lr=0.1)
X, y = torch.randn(10, 2), torch.randn(10, 1)
for epoch in range(2):
    trainer.zero_grad()
    with torch.no_grad():
        l = ((model(X) - y) ** 2).mean()
        l.backward()
        trainer.step()
    print(epoch, float(l))
