import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = torch.exp(x)
loss = (h * h).sum()
loss.backward()
h.retain_grad()
print(h.grad)
