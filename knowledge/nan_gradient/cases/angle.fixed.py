import torch

a = torch.tensor([1.0, 0.0], requires_grad=True)
b = torch.tensor([1.0, 0.0])
cosine = (a * b).sum()
angle = torch.acos(cosine.clamp(-1 + 1e-6, 1 - 1e-6)) ** 2
angle.backward()
print(a.grad)
