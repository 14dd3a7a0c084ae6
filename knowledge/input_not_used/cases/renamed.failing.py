import torch

t = torch.linspace(0, 1, 4, requires_grad=True)
s = torch.sin(t).sum()
t = t.reshape(2, 2)
slope = torch.autograd.grad(s, t)
slope
