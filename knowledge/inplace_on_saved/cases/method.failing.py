import torch

w = torch.randn(3, requires_grad=True)
h = torch.tanh(w)
h.mul_(2)
loss = h.sum()
loss.backward()
