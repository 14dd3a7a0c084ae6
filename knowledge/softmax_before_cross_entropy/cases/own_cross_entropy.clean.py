import torch


def softmax(z):
    e = torch.exp(z)
    return e / e.sum(1, keepdim=True)


def cross_entropy(y_hat, y):
    return -torch.log(y_hat[range(len(y_hat)), y])


torch.manual_seed(0)
W = torch.randn(4, 3, requires_grad=True)
y_hat = softmax(torch.randn(5, 4) @ W)
cross_entropy(y_hat, torch.tensor([0, 1, 2, 0, 1])).mean().backward()
print(W.grad.shape)
