import torch

z = torch.tensor([1.0 + 2.0j, 3.0j], requires_grad=True)
(z.abs() ** 2).sum().backward()
print(z.grad)
