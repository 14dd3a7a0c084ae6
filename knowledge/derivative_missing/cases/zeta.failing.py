import torch


def series(s):
    return torch.special.zeta(s, torch.tensor(1.0))


s = torch.tensor(3.0, requires_grad=True)
series(s).backward()
print(s.grad)
