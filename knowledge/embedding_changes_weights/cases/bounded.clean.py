import torch
from torch import nn

torch.manual_seed(0)
table = nn.Embedding(4, 3, max_norm=1.0)
out = nn.Linear(3, 1)
optimizer = torch.optim.SGD([*table.parameters(), *out.parameters()], lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    out(table(torch.tensor([0, 2]))).pow(2).mean().backward()
    optimizer.step()
