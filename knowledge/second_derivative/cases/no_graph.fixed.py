import torch

t = torch.tensor(2.0, requires_grad=True)
s = t**4
(speed,) = torch.autograd.grad(s, t, create_graph=True)
(acceleration,) = torch.autograd.grad(speed, t)
acceleration
