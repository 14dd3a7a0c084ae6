import torch

x = torch.tensor([0.5, 1.0], requires_grad=True)
y = x * 3
y += 1  # the product needs neither its result nor this sum
y.sum().backward()
print(x.grad)
