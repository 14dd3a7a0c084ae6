import torch

x = torch.tensor([0.5, 1.5], requires_grad=True)
loss = (x**2).sum()
loss.backward()
print(x.grad)
