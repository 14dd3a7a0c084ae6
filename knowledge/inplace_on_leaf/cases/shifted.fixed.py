import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
new_x = x * 2
y = (new_x**2).sum()
y.backward()
print(x.grad)
