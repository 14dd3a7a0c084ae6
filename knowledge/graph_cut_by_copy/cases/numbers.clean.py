import torch

w = torch.ones(2, requires_grad=True)
scale = torch.tensor([1.0, 10.0])
(w * scale).sum().backward()
print(w.grad)
