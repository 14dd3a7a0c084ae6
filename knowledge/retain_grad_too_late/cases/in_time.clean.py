import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = torch.exp(x)
h.retain_grad()
(h * h).sum().backward()
print(h.grad)
