import torch

t = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
(first,) = torch.autograd.grad((t**3).sum(), t, create_graph=True)
(second,) = torch.autograd.grad(first.sum(), t)
print(first, second)
