import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.stack([x[0] * x[1], x.sum(), x[0] ** 2])
weights = torch.tensor([1.0, 10.0, 100.0])
y.backward(weights)
x.grad
table = torch.tensor([[2.0, 1.0], [1.0, 1.0], [2.0, 0.0]])  # each row: the derivatives of one number of y
weights @ table
