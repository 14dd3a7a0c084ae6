import torch

x = torch.ones(4, requires_grad=True)
half = (x * 2)[:2]
half = half.detach()
print(half.requires_grad)
