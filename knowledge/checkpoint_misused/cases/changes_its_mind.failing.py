import torch
from torch.utils.checkpoint import checkpoint

calls = []


def part(x):
    calls.append(1)
    return torch.exp(x) if len(calls) == 1 else x * 2


x = torch.ones(2, requires_grad=True)
checkpoint(part, x, use_reentrant=False).sum().backward()
print(x.grad)
