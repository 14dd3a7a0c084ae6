import torch


class Tripled(torch.autograd.Function):
    @staticmethod
    def forward(self, x):
        return x * 3

    @staticmethod
    def backward(self, grad):
        return grad * 3


x = torch.tensor([1.0, 2.0], requires_grad=True)
Tripled.apply(x).sum().backward()
x.grad
