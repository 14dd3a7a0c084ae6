import numpy as np
import torch

points = np.linspace(0, 1, 5)
x = torch.from_numpy(points).requires_grad_()
(x**2).sum().backward()
print(x.grad)
