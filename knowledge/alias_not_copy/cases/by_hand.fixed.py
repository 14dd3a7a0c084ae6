import torch


def one_step(w, lr):
    before = w.data.clone()
    loss = (w**2).sum()
    loss.backward()
    with torch.no_grad():
        w -= lr * w.grad
    return torch.equal(before, w)


print(one_step(torch.tensor([1.0, 2.0], requires_grad=True), 0.1))
