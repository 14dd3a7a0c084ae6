import torch

q = torch.ones(6, requires_grad=True)
q = q.reshape(2, 3)
q = q.double()
(q * 3).sum().backward()
print(q.grad)
