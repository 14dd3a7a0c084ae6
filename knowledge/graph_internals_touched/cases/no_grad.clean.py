import torch

x = torch.ones(2, requires_grad=True)
with torch.no_grad():
    print(x.expand(3, 2).clone().add_(1))
