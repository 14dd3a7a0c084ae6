import torch
from torch import nn


class Sentence(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4, max_norm=0.5)
        self.out = nn.Linear(4, 2)

    def forward(self, words):
        return self.out(self.table(words).mean(dim=1))


torch.manual_seed(0)
net = Sentence()
first = net.table.weight.norm(dim=1).max().item()
with torch.no_grad():
    net(torch.tensor([[1, 2, 3]]))
print(first, net.table.weight[1:4].norm(dim=1).max().item())
