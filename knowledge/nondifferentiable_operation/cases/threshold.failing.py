import torch

x = torch.tensor([0.2, 0.8, 1.4], requires_grad=True)
y = (x > 0.5).float().sum()
y.backward()
x.grad
