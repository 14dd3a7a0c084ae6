import torch

a = torch.tensor(2.0, requires_grad=True)
b = a**3 + a
c = b
c.backward()
print(a.grad)
