import torch

v = torch.zeros(3, requires_grad=True)
v.norm().backward()
print(v.grad)
