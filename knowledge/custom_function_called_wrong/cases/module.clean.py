import torch
from torch import nn


class Square(nn.Module):
    def forward(self, x):
        return x * x


x = torch.tensor([1.0, 2.0], requires_grad=True)
Square()(x).sum().backward()
print(x.grad)
