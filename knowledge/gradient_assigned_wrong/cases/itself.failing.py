import torch

x = torch.ones(2, requires_grad=True)
x.grad = x
print(x.grad)
