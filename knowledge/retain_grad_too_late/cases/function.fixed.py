import torch


def inner_gradient(w, data):
    product = w * data
    product.retain_grad()
    cost = (product - 1).pow(2).mean()
    cost.backward()
    return product.grad


print(inner_gradient(torch.ones(3, requires_grad=True), torch.arange(3.0)))
