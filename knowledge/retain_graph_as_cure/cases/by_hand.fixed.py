import torch


def fit(x, y, epochs):
    a = torch.zeros(1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(epochs):
        y_hat = a * x + b
        error = (y_hat - y).pow(2).mean()
        error.backward()
        with torch.no_grad():
            a -= 0.1 * a.grad
            b -= 0.1 * b.grad
        a.grad = b.grad = None
    return a.item(), b.item()


x = torch.linspace(0, 1, 5)
print(fit(x, 2 * x + 1, 3))
