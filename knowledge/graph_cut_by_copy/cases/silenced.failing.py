import torch

x = torch.tensor([0.5, 1.5], requires_grad=True)
loss = torch.tensor((x**2).sum(), requires_grad=True)
loss.backward()
print(x.grad)
