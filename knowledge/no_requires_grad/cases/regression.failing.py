import torch

torch.manual_seed(0)
X = torch.randn(20, 2)
y = X @ torch.tensor([[2.0], [-3.0]]) + 1
w, b = torch.zeros(2, 1), torch.zeros(1)
for epoch in range(2):
    l = ((X @ w + b - y) ** 2 / 2).mean()
    l.backward()
    with torch.no_grad():
        for param in (w, b):
            param -= 0.1 * param.grad
            param.grad.zero_()
print(w, b, w.grad, b.grad)
