import torch

height = torch.tensor(3.0, requires_grad=True)
width = torch.tensor(4.0, requires_grad=True)
area = height * width
by_height = torch.autograd.grad(area, height)[0]
print(by_height)
