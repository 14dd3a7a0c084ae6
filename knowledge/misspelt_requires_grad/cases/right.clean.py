import torch

x = torch.arange(4.0)
x.requires_grad = True
(x * x).sum().backward()
print(x.grad)
