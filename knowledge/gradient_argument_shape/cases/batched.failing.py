import torch

x = torch.arange(3.0, requires_grad=True)
y = x**2
rows = torch.autograd.grad(y, x, torch.eye(4), is_grads_batched=True)
