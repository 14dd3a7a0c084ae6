import torch

x = torch.tensor([-1.0, 2.0], requires_grad=True)
mask = (x > 0).float()
(mask * x).sum().backward()
print(x.grad)
