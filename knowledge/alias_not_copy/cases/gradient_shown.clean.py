import torch

a = torch.tensor(2.0, requires_grad=True)
(a * a).backward()
first = a.grad
print(first)
(a * a * 2).backward()
print(a.grad, first)
