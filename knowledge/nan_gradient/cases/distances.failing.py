import torch


def distances(points):
    differences = points[:, None, :] - points[None, :, :]
    return (differences**2).sum(dim=-1).sqrt()


p = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
total = distances(p).sum()
total.backward()
print(total)
print(p.grad)
