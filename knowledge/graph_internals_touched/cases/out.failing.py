import torch

a = torch.ones(2, requires_grad=True)
b = torch.ones(2)
total = torch.zeros(2)
torch.add(a, b, out=total)
total.sum().backward()
print(a.grad)
