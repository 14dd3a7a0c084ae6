import torch


def derivative(f, values):
    points = torch.tensor(values, dtype=torch.float32)
    points.requires_grad = True
    f(points).sum().backward()
    return points.grad


print(derivative(lambda t: t**3, [1, 2, 3]))
