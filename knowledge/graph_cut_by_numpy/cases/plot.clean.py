import numpy as np
import torch

x = torch.linspace(0, 1, 5, requires_grad=True)
y = torch.sin(x)
y.sum().backward()
print(np.max(y.detach().numpy()), x.grad.numpy().shape)
