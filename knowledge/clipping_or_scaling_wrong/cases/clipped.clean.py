import torch

w = torch.ones(3, requires_grad=True)
(w * 10).sum().backward()
torch.nn.utils.clip_grad_norm_([w], 1.0)
print(w.grad.norm())
