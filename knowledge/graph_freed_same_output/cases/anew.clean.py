import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
for _ in range(2):
    y = (x**3).sum()
    y.backward()
print(x.grad)
