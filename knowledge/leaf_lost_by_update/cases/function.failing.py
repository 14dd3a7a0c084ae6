import torch


def descend(start, lr, steps):
    p = torch.tensor(start, requires_grad=True)
    for _ in range(steps):
        if p.grad is not None:
            p.grad.zero_()
        cost = (p - 1).pow(2).sum()
        cost.backward()
        p = p - lr * p.grad
    return p


print(descend([3.0, 4.0], 0.1, 3))
