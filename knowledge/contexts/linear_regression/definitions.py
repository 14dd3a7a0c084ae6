import random
import torch
from torch import nn

true_w = torch.tensor([2.0, -3.4])
true_b = 4.2
def synthetic_data(w, b, num_examples):
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    return X, (y + torch.normal(0, 0.01, y.shape)).reshape((-1, 1))
features, labels = synthetic_data(true_w, true_b, 40)
def data_iter(batch_size, features, labels):
    order = list(range(len(features)))
    random.shuffle(order)
    for start in range(0, len(order), batch_size):
        batch = torch.tensor(order[start:start + batch_size])
        yield features[batch], labels[batch]
def linreg(X, w, b):
    return torch.matmul(X, w) + b
def squared_loss(y_hat, y):
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2
def sgd(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()
batch_size = 10
lr = 0.03
num_epochs = 3
w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
X, y = features[:batch_size], labels[:batch_size]
net = linreg
loss = squared_loss
dataset = torch.utils.data.TensorDataset(features, labels)
data_loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True)
train_iter = data_loader
trainer = torch.optim.SGD([w, b], lr=lr)
optimizer = trainer
