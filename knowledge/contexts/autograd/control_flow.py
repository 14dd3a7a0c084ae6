import torch
def f(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b
a = torch.randn(size=(), requires_grad=True)
d = f(a)
d.backward()
a.grad
a.grad == d / a
