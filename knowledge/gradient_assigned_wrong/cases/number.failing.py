import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
(w * w).sum().backward()
w.grad = 0.0
print(w.grad)
