import torch

x = torch.ones(2)
x.requires_grad = True
(x * 3).sum().backward()
print(x.grad)
