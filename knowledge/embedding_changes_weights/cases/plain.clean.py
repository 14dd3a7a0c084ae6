import torch
from torch import nn

torch.manual_seed(0)
table = nn.Embedding(4, 3)
optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
before = table.weight.detach().clone()
optimizer.zero_grad()
table(torch.tensor([0, 1])).pow(2).sum().backward()
optimizer.step()
print((table.weight - before).abs().sum())
