import torch

a = torch.tensor([1.0, 2.0], requires_grad=True)
b = torch.tensor([1.0, 2.0])
error = (a - b).abs()
error.sum().backward()
print(a.grad)
