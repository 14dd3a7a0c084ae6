import torch

t = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
s = t**3
(first,) = torch.autograd.grad(s, t, grad_outputs=torch.ones_like(t), create_graph=True)
(second,) = torch.autograd.grad(first, t, grad_outputs=torch.ones_like(t))
print(second)
