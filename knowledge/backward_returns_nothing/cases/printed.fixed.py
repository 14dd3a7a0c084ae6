import torch

t = torch.tensor(0.5, requires_grad=True)
s = torch.sin(t)
s.backward()
print("slope:", t.grad)
