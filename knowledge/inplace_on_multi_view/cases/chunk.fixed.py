import torch

x = torch.arange(6.0, requires_grad=True)
a, b = (x * 2).chunk(2)
a = a + 1
(a * b).sum().backward()
print(x.grad)
