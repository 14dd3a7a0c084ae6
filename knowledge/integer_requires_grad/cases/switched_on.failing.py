import torch

x = torch.tensor([3, 4])
x.requires_grad_(True)
length = (x**2).sum().sqrt()
length.backward()
print(x.grad)
