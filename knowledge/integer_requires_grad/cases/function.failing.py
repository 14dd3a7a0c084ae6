import torch


def derivative(f, values):
    points = torch.tensor(values)
    points.requires_grad = True
    f(points).sum().backward()
    return points.grad


print(derivative(lambda t: t**3, [1, 2, 3]))
