import torch
from torch import nn

x = torch.tensor([-1.0, 1.0], requires_grad=True)
y = nn.functional.leaky_relu_(x * 1.0, negative_slope=-0.2)
y.sum().backward()
