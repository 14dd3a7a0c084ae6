import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(2, 1)
errors = (net(torch.ones(5, 2)) - 1) ** 2
grads = torch.autograd.grad(errors, net.weight, grad_outputs=torch.tensor(1.0))
print(grads[0])
