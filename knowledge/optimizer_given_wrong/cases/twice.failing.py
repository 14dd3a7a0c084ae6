import torch

w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w, w], lr=0.1)
loss = (w - 1).pow(2).sum()
loss.backward()
optimizer.step()
