import torch
from torch import nn


class Best:
    def __init__(self):
        self.loss = float("inf")
        self.state = None

    def look(self, loss, net):
        if loss < self.loss:
            self.loss = loss
            self.state = {name: value.clone() for name, value in net.state_dict().items()}


torch.manual_seed(0)
net = nn.Linear(2, 1)
trainer = torch.optim.SGD(net.parameters(), lr=2.0)
X, y = torch.randn(6, 2), torch.randn(6, 1)
best = Best()
for epoch in range(4):
    trainer.zero_grad()
    loss = nn.functional.mse_loss(net(X), y)
    loss.backward()
    best.look(loss.item(), net)
    trainer.step()
net.load_state_dict(best.state)
print(best.loss, nn.functional.mse_loss(net(X), y).item())
