import torch


def slope(f, values):
    t = torch.tensor(values, requires_grad=True)
    f(t).sum().backward()
    return float(t.grad)


print(slope(torch.exp, [0.0, 1.0]))
