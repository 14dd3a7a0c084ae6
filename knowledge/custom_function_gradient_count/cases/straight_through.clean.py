import torch


class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, bins):
        ctx.bins = bins
        return torch.round(x * bins) / bins

    @staticmethod
    def backward(ctx, grad):
        return grad * (grad.long() == grad).to(grad.dtype), None


class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.float()

    @staticmethod
    def backward(ctx, grad):
        return grad.double()


x = torch.tensor([0.3, 0.8], requires_grad=True)
Rounded.apply(Same.apply(x), 4).sum().backward()
print(x.grad)
