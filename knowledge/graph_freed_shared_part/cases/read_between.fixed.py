import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = x**2
a = h.sum()
b = (h**2).sum()
a.backward(retain_graph=True)
print("gradient of a:", x.grad)
x.grad.zero_()
b.backward()
print("gradient of b:", x.grad)
