import torch

x = torch.arange(4.0, requires_grad=True)
y = x**2
y.backward(torch.tensor([1.0, 0.0, 0.0, 2.0]))
print(x.grad)
