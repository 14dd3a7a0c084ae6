import torch


class Setup:
    def __init__(self):
        self.require_grad = True


setup = Setup()
x = torch.ones(2, requires_grad=setup.require_grad)
(x * 3).sum().backward()
print(x.grad)
