import torch


class Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 0.5

    @staticmethod
    def backward(ctx, grad):
        scaled = grad * 50 // 100
        return scaled.long()


x = torch.tensor([1.0, 4.0], requires_grad=True)
Half.apply(x).sum().backward()
print(x.grad)
