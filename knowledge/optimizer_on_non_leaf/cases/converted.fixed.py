import torch


def fit(target, steps):
    point = torch.zeros(2).double().requires_grad_()
    solver = torch.optim.SGD([point], lr=0.5)
    for _ in range(steps):
        solver.zero_grad()
        (point - target).pow(2).sum().backward()
        solver.step()
    return point


print(fit(torch.tensor([1.0, 2.0]), 2))
