import torch

x = torch.tensor([0.4, 1.7], requires_grad=True)
rounded = x + (x.round() - x).detach()
(rounded**2).sum().backward()
print(rounded, x.grad)
