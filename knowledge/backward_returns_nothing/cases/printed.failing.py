import torch

t = torch.tensor(0.5, requires_grad=True)
s = torch.sin(t)
print("slope:", s.backward())
