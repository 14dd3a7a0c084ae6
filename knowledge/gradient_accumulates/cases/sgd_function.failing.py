import torch


def sgd(params, lr, batch_size):
    """Minibatch stochastic gradient descent."""
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size


torch.manual_seed(0)
features, labels = torch.randn(30, 3), torch.randn(30, 1)
w = torch.normal(0, 0.01, size=(3, 1), requires_grad=True)
for epoch in range(2):
    for i in range(0, 30, 10):
        X, y = features[i : i + 10], labels[i : i + 10]
        l = (X @ w - y) ** 2 / 2
        l.sum().backward()
        sgd([w], 0.03, 10)
