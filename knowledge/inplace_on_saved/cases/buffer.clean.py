import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
table = torch.zeros(3, 3)
for i in range(3):
    table[i] = x * i
table.sum().backward()
print(x.grad)
