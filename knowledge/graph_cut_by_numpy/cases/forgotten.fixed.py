import numpy as np
import torch

a = torch.tensor([3.0, 4.0], requires_grad=True)
length = torch.sqrt(torch.sum(torch.square(a)))
length.backward()
print(a.grad)
