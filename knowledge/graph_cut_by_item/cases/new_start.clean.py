import torch

x = torch.tensor(2.0, requires_grad=True)
(x**2).backward()
better = torch.tensor(x.item() - 0.5 * x.grad.item(), requires_grad=True)
(better**2).backward()
print(better.grad)
