import torch

x = torch.arange(4.0, requires_grad=True)
y = x * 2
first = y[0]
first += 1
y.sum().backward()
print(x.grad)
