import torch

x = torch.ones(2)
x.requires_grad = 1
(x * 3).sum().backward()
print(x.grad)
