import torch

rows = [torch.ones(2), torch.zeros(2)]
table = torch.tensor(rows)
print(table)
