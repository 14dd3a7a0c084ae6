import torch

a = torch.tensor(1.5, requires_grad=True)
print(torch.autograd.grad(a**3, a, only_inputs=False))
