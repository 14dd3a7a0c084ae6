import torch


def step(w, lr):
    loss = (w - 3) ** 2
    loss.backward()
    g = w.grad
    with torch.no_grad():
        w -= lr * g


w = torch.tensor(0.0, requires_grad=True)
step(w, 0.1)
print(w)
