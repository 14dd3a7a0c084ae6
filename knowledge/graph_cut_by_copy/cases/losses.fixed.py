import torch

w = torch.tensor([1.0, -1.0], requires_grad=True)
losses = []
for target in (0.0, 2.0, 4.0):
    losses.append((w.sum() - target) ** 2)
mean = torch.stack(losses).mean()
mean.backward()
print(w.grad)
