import torch

w = torch.zeros(3, requires_grad=True)
w.data = torch.tensor([1, 2, 3])
(w * w).sum().backward()
