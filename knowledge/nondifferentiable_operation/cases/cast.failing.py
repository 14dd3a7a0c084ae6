import torch


def price(amount):
    return amount.long() * 3


amount = torch.tensor([1.5, 2.5], requires_grad=True)
total = price(amount).float().sum()
total.requires_grad = True
total.backward()
print(amount.grad)
