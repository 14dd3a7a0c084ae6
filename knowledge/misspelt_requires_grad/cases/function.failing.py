import torch


def gradient(values):
    t = torch.tensor(values)
    t.requires_gard = True
    (t**3).sum().backward()
    return t.grad


print(gradient([1.0, 2.0]))
