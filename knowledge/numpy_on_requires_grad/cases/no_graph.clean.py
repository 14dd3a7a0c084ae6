import torch

with torch.no_grad():
    w = torch.ones(2, requires_grad=True) * 2
print(w.numpy())
