import torch
from torch import nn


class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def changed(self, x):
        start = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.optimizer.zero_grad()
        self.model(x).pow(2).mean().backward()
        self.optimizer.step()
        return (start["weight"] - self.model.weight).abs().max().item()


torch.manual_seed(0)
print(Trainer(nn.Linear(3, 1)).changed(torch.randn(4, 3)))
