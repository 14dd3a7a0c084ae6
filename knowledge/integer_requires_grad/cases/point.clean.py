import torch

x = torch.arange(4.0, requires_grad=True)
torch.dot(x, x).backward()
print(x.grad)
