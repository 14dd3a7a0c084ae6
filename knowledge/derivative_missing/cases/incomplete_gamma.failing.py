import torch

a = torch.tensor(2.0, requires_grad=True)
y = torch.special.gammainc(a, torch.tensor(1.5))
y.backward()
print(a.grad)
