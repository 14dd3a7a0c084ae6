import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = (x * x).detach()
y.requires_grad = False
(y * x).sum().backward()
print(x.grad)
