import torch

t = torch.tensor(0.5, requires_grad=True)
slope = torch.autograd.grad(torch.sin(t), t)[0]
print(slope)
