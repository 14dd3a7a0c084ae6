import torch

x = torch.tensor([3.0, 4.0], requires_grad=True)
x.norm().backward()
print(x.grad)
