import torch

w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
(w - 1).pow(2).sum().backward()
optimizer.step()
print(w)
