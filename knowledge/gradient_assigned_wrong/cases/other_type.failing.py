import numpy as np
import torch


def set_gradient(t, values):
    t.grad = torch.from_numpy(values)


t = torch.zeros(2, requires_grad=True)
set_gradient(t, np.array([0.5, 1.5]))
print(t.grad)
