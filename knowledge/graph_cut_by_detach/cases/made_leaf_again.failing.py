import torch

a = torch.tensor([1.0, 2.0], requires_grad=True)
cost = (a**3).sum().detach()
cost.requires_grad_()
cost.backward()
print(a.grad)
