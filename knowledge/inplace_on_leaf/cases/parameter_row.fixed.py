import torch
from torch import nn

embedding = nn.Linear(3, 3)
with torch.no_grad():
    embedding.weight[0] = 0.0  # start from an empty first row
out = embedding(torch.ones(1, 3)).sum()
out.backward()
print(embedding.weight.grad)
