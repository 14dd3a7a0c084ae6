import torch

x = torch.tensor(5.0, requires_grad=True)
for step in range(4):
    x.grad = None
    y = (x - 2) ** 2
    y.backward()
    with torch.no_grad():
        x = x - 0.25 * x.grad
print(x)
