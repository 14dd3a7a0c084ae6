import torch

x = torch.ones(2, requires_grad=True)
x.grad = torch.full_like(x, 0.5)
print(x.grad)
