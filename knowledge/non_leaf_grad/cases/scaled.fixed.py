import torch

torch.manual_seed(0)
w = (torch.randn(4) * 0.01).requires_grad_()  # small start
loss = (w * torch.ones(4)).sum()
loss.backward()
w.grad
