import torch

w = torch.tensor(2.0, requires_grad=True)
total = 0.0
for step in range(3):
    loss = (w - step) ** 2
    loss.backward()
    total += loss.item()
print(total / 3, w.grad)
