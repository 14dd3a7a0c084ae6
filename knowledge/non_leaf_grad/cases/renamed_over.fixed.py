import torch

q = torch.ones(6)
q = q.reshape(2, 3)
q = q.double().requires_grad_()
(q * 3).sum().backward()
print(q.grad)
