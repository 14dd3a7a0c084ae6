import torch

a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
torch.stack([a * b, a + b]).sum().backward()
print(a.grad, b.grad)
