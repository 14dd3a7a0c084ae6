import torch

row = torch.zeros(1, 3)
table = row.expand(4, 3)
table += 1
