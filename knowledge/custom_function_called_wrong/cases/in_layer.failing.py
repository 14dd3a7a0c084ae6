import torch


class Tripled(torch.nn.Module):
    def forward(self, x):
        return x * 3

    def backward(self, grad):
        return grad * 3


x = torch.tensor([1.0, 2.0], requires_grad=True)
Tripled()(x).sum().backward()
x.grad
