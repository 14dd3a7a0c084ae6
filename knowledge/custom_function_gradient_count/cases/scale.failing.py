import torch


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.factor


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Scale.apply(x, 3)
y.sum().backward()
print(x.grad)
