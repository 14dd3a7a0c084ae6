import torch

x = torch.ones(4, requires_grad=True)
half = (x * 2)[:2].detach()
total = torch.add(x[:2], half)
total.sum().backward()
print(x.grad)
