import torch

torch.manual_seed(0)
X = torch.randn(20, 2)
y = X @ torch.tensor([2.0, -3.0]) + 1
w = torch.zeros(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
lr = 0.1
for epoch in range(2):
    l = ((X @ w + b - y) ** 2).mean()
    l.backward()
    with torch.no_grad():
        w -= lr * w.grad  # update
        b -= lr * b.grad
    w.grad.zero_()
    b.grad.zero_()
print(w, b)
