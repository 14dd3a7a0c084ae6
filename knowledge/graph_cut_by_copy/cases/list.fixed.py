import torch

a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
pair = torch.stack([a * b, a + b])
pair.sum().backward()
print(a.grad, b.grad)
