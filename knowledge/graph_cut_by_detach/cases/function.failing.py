import torch


def squared_error(predicted, wanted):
    predicted = predicted.detach()
    return ((predicted - wanted) ** 2).mean()


w = torch.tensor([0.5, -1.0], requires_grad=True)
loss = squared_error(torch.ones(4, 2) @ w, torch.zeros(4))
loss.backward()
print(w.grad)
