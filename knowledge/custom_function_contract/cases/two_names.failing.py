import torch


class Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x / 2

    @staticmethod
    def backward(ctx, grad):
        return grad / 2

    @staticmethod
    def vjp(ctx, grad):
        return grad / 2


x = torch.ones(2, requires_grad=True)
Half.apply(x).sum().backward()
