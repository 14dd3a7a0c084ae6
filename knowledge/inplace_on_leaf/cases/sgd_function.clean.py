import torch


def sgd(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


torch.manual_seed(0)
X, y = torch.randn(8, 2), torch.randn(8, 1)
w = torch.zeros(2, 1, requires_grad=True)
for epoch in range(2):
    loss = ((X @ w - y) ** 2).sum()
    loss.backward()
    sgd([w], 0.05, 8)
print(w)
