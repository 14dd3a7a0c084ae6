import torch
from torch import nn

torch.manual_seed(0)
words = nn.Embedding(5, 2, sparse=True)
optimizer = torch.optim.Adam(words.parameters(), lr=0.1)
words(torch.tensor([1, 2])).sum().backward()
optimizer.step()
