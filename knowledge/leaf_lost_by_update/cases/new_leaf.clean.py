import torch

x = torch.tensor(5.0, requires_grad=True)
for step in range(3):
    ((x - 2) ** 2).backward()
    x = (x - 0.25 * x.grad).detach().requires_grad_()
print(x)
