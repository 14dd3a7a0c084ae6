import torch

x = torch.ones(2, requires_grad=True)
x.register_hook(lambda grad: grad.double())
(x * 3).sum().backward()
