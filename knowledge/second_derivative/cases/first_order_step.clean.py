import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
inner = (w * w).sum()
(slope,) = torch.autograd.grad(inner, w)
moved = w - 0.1 * slope
outer = (moved - 1).square().sum()
outer.backward()
w.grad
