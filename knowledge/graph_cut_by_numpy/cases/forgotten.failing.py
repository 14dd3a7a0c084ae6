import numpy as np
import torch

a = torch.tensor([3.0, 4.0], requires_grad=True)
length = np.sqrt(np.sum(np.square(a.detach().numpy())))
length.backward()
print(a.grad)
