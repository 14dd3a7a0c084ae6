import torch


def train(w, data):
    loss = 0.0
    for x, y in data:
        loss = loss + ((w * x).sum() - y) ** 2
        loss.backward()
        with torch.no_grad():
            w -= 0.01 * w.grad
            w.grad.zero_()
    return w


w = torch.ones(2, requires_grad=True)
print(train(w, [(torch.tensor([1.0, 2.0]), 1.0), (torch.tensor([0.5, 1.0]), 2.0)]))
