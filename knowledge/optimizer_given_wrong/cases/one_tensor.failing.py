import torch

w = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.SGD(w, lr=0.1)
loss = ((w - 1) ** 2).sum()
loss.backward()
optimizer.step()
print(w)
