import torch

x = torch.zeros(2, requires_grad=True)
x.norm().backward()
print(x.grad)
