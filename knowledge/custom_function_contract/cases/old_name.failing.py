import torch


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_variables
        return grad * 2 * x


x = torch.tensor([1.0, 3.0], requires_grad=True)
Square.apply(x).sum().backward()
print(x.grad)
