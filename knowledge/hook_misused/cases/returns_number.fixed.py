import torch

x = torch.ones(2, requires_grad=True)
x.register_hook(lambda grad: grad * 2)
(x * 3).sum().backward()
print(x.grad)
