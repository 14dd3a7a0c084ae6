import torch

x = torch.ones(2, requires_grad=True)
(x * 3).sum().backward()
x.grad = None
(x * 3).sum().backward()
print(x.grad)
