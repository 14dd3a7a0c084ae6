import torch
from torch import nn

batch_size = 8
num_inputs = 784
num_outputs = 10
lr = 0.1
num_epochs = 2
W = torch.normal(0, 0.01, size=(num_inputs, num_outputs), requires_grad=True)
b = torch.zeros(num_outputs, requires_grad=True)
X = torch.rand(batch_size, 1, 28, 28)
y = torch.randint(0, num_outputs, (batch_size,))
train_iter = [(torch.rand(batch_size, 1, 28, 28), torch.randint(0, 10, (batch_size,))) for _ in range(3)]
test_iter = train_iter
def softmax(X):
    exponents = torch.exp(X)
    return exponents / exponents.sum(1, keepdim=True)
def net(X):
    return softmax(torch.matmul(X.reshape((-1, W.shape[0])), W) + b)
y_hat = net(X)
def cross_entropy(y_hat, y):
    return -torch.log(y_hat[range(len(y_hat)), y])
loss = cross_entropy
def accuracy(y_hat, y):
    return float((y_hat.argmax(dim=1) == y).sum())
def updater(batch_size):
    with torch.no_grad():
        for param in (W, b):
            param -= lr * param.grad / batch_size
            param.grad.zero_()
trainer = torch.optim.SGD([W, b], lr=lr)
optimizer = trainer
