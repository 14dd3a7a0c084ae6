import torch

x = torch.arange(4.0, requires_grad=True)
(x**2).sum().backward(torch.tensor(0.5))
print(x.grad)
