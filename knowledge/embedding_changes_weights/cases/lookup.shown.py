import torch
from torch import nn

torch.manual_seed(0)
words = nn.Embedding(5, 4, max_norm=1.0)
before = words.weight.detach().clone()
words(torch.tensor([0, 3]))
print((words.weight != before).any(dim=1))  # rows 0 and 3
