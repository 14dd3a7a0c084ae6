import torch
from torch import nn

batch_size = 8
num_inputs, num_outputs, num_hiddens = 784, 10, 16
lr = 0.1
num_epochs = 2
W1 = nn.Parameter(torch.randn(num_inputs, num_hiddens) * 0.01)
b1 = nn.Parameter(torch.zeros(num_hiddens))
W2 = nn.Parameter(torch.randn(num_hiddens, num_outputs) * 0.01)
b2 = nn.Parameter(torch.zeros(num_outputs))
params = [W1, b1, W2, b2]
X = torch.rand(batch_size, 1, 28, 28)
y = torch.randint(0, num_outputs, (batch_size,))
train_iter = [(torch.rand(batch_size, 1, 28, 28), torch.randint(0, 10, (batch_size,))) for _ in range(3)]
test_iter = train_iter
def relu(X):
    return torch.max(X, torch.zeros_like(X))
def net(X):
    hidden = relu(X.reshape((-1, num_inputs)) @ W1 + b1)
    return hidden @ W2 + b2
loss = nn.CrossEntropyLoss()
updater = torch.optim.SGD(params, lr=lr)
trainer = updater
optimizer = updater
