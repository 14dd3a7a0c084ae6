import torch

kept = []


def keep(grad):
    norm = grad.norm()
    kept.append(norm * 2)
    print(grad.shape, norm)


x = torch.ones(2, requires_grad=True)
y = x * 3
y.register_hook(keep)
x.register_hook(kept.append)
y.sum().backward()
