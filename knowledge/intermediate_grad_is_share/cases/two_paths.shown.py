import torch

x = torch.tensor([[1.0], [2.0]], requires_grad=True)
row = x.T
row.retain_grad()
y = torch.mm(row, x).sum()
y.backward()
x.grad, row.grad
