import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.stack([x[0] * x[1], x.sum(), x[0] ** 2])
y.backward(torch.tensor([1.0, 10.0, 100.0]))
x.grad
torch.autograd.functional.jacobian(lambda t: torch.stack([t[0] * t[1], t.sum(), t[0] ** 2]), x)
