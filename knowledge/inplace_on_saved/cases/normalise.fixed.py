import torch


def cosine(a, b):
    a = a * 2
    length = (a**2).sum().sqrt()
    a = a / length
    return (a * b).sum()


u = torch.tensor([3.0, 4.0], requires_grad=True)
v = torch.tensor([1.0, 0.0])
cosine(u, v).backward()
print(u.grad)
