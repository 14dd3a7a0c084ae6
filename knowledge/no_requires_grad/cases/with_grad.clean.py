import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
data = torch.ones(3)
((x - data) ** 2).sum().backward()
print(x.grad, data.requires_grad)
