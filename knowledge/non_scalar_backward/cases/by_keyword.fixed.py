import torch

speeds = torch.linspace(0.0, 2.0, 5, requires_grad=True)
energy = 3 * speeds**2 / 2
(force,) = torch.autograd.grad(outputs=energy.sum(), inputs=speeds)
print(force)
