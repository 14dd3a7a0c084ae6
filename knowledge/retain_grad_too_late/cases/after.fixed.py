import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = torch.exp(x)
h.retain_grad()
loss = (h * h).sum()
loss.backward()
print(h.grad)
