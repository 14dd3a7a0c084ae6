import torch

z = torch.tensor(1.0 + 2.0j, requires_grad=True)
w = z * z - 1
w.backward()
z.grad
