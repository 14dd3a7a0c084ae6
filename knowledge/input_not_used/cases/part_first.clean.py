import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
head = x[0]
print(torch.autograd.grad(head**2, head)[0])
