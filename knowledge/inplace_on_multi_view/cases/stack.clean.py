import torch

w = torch.ones(2, 3, requires_grad=True)
out = torch.stack([row * factor for row, factor in zip(w, [2.0, 3.0])])
out.sum().backward()
print(w.grad)
