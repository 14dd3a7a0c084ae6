import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = torch.exp(x)
loss1, loss2 = h.sum(), (h**2).sum()
(loss1 + loss2).backward()
print(x.grad)
