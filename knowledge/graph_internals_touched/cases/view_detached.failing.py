import torch

x = torch.ones(4, requires_grad=True)
half = (x * 2)[:2]
half.detach_()
print(half.requires_grad)
