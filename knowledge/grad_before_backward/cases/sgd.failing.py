import torch


def sgd(params, lr):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad


X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
w = torch.zeros(2, requires_grad=True)
l = ((X @ w - 1) ** 2).mean()
sgd([w], lr=0.1)
l.backward()
print(w)
