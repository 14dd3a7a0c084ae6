import numpy as np
import torch

w = torch.tensor([1.0, -2.0], requires_grad=True)
shared = np.from_dlpack(w.detach())
print(shared)
