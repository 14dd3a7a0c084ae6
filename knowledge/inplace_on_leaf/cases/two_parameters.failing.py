import torch

torch.manual_seed(0)
X = torch.randn(20, 2)
y = X @ torch.tensor([[2.0], [-3.4]]) + 4.2
w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
lr = 0.03


def train_step():
    loss = ((X @ w + b - y) ** 2).mean()
    loss.backward()
    w.sub_(lr * w.grad)
    b.sub_(lr * b.grad)
    w.grad.zero_()
    b.grad.zero_()
    return loss


for epoch in range(2):
    print(train_step().item())
