import torch

a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(5.0, requires_grad=True)
area = a * b
da = torch.autograd.grad(area, a, retain_graph=True)
db = torch.autograd.grad(area, b)
da, db
