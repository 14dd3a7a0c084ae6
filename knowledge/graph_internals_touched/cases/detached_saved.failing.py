import torch

x = torch.ones(2, requires_grad=True)
y = torch.exp(x)
z = (y * y).sum()
y.detach_()
z.backward()
