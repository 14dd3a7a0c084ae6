import torch

w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(2):
    optimizer.zero_grad()
    loss = (w - 1).pow(2).sum() + 0.1 * w.norm()
    loss.backward()
    optimizer.step()
print(w)
