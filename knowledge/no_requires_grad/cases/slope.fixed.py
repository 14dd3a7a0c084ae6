import torch


def slope(function, at):
    point = torch.tensor(at, requires_grad=True)
    value = function(point)
    value.backward()
    return point.grad


print(slope(torch.sin, 0.5))
