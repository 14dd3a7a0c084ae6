import torch


def scale(grad):
    grad *= 0.5
    return grad


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * x
y.register_hook(scale)
weights = torch.tensor([1.0, 1.0, 1.0])
y.backward(weights)
print(x.grad)
print(weights)
