import numpy as np
import torch

x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
values = x
y = torch.exp(values)
y.sum().backward()
print(x.grad)
