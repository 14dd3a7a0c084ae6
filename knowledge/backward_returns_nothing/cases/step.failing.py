import torch


def step(w, lr):
    loss = (w - 3) ** 2
    g = loss.backward()
    with torch.no_grad():
        w -= lr * g


w = torch.tensor(0.0, requires_grad=True)
step(w, 0.1)
print(w)
