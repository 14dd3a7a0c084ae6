import math

import torch


def height(t):
    return torch.tensor(math.sin(t) * 2)


t = torch.tensor(0.5, requires_grad=True)
y = height(t)
y.backward()
t.grad
