import torch

torch.manual_seed(0)
w = torch.randn(4, requires_grad=True) * 0.01  # small start
loss = (w * torch.ones(4)).sum()
loss.backward()
w.grad
