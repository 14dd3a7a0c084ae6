import torch

x = torch.linspace(0, 3, 4, requires_grad=True)
y = x**2
y.sum().backward()
print(x.grad.numpy(), y.detach().numpy())
