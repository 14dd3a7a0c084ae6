import copy

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
start = copy.deepcopy(w)
(w * w).sum().backward()
print(start, w.grad)
