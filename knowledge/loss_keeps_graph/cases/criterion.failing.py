import torch
from torch import nn


class Trainer:
    def __init__(self, net):
        self.net = net
        self.criterion = nn.MSELoss()
        self.optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def epoch(self, batches):
        loss = 0
        for x, y in batches:
            self.optimizer.zero_grad()
            loss += self.criterion(self.net(x), y)
            loss.backward()
            self.optimizer.step()
        return loss.item()


torch.manual_seed(0)
batches = [(torch.randn(4, 2), torch.randn(4, 1)) for _ in range(3)]
print(Trainer(nn.Linear(2, 1)).epoch(batches))
