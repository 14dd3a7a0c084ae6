import torch
X = torch.normal(0, 1, (40, 2))
y = torch.matmul(X, torch.tensor([2.0, -3.4])).reshape(-1, 1) + 4.2
w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(2):
    for start in range(0, 40, 10):
        l = (torch.matmul(X[start:start + 10], w) + b - y[start:start + 10]) ** 2 / 2
        l.sum().backward()
        with torch.no_grad():
            for param in (w, b):
                param -= 0.03 * param.grad / 10
                param.grad.zero_()
w
b
