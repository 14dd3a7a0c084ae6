import torch

w = torch.ones(3, require_grad=True)
loss = (w * 2).sum()
loss.backward()
print(w.grad)
