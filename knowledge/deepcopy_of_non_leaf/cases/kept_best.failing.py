import copy

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
scores = w * 3
best = copy.deepcopy(scores)
scores.sum().backward()
print(best, w.grad)
