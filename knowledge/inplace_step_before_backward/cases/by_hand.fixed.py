import torch

w = torch.tensor([2.0, 3.0], requires_grad=True)
x = torch.tensor([1.0, -1.0])
h = w * w
first = (h * x).sum()

(g,) = torch.autograd.grad(first, w, retain_graph=True)
with torch.no_grad():
    w -= 0.1 * g
h = w * w
second = (h * h).sum()
second.backward()
print(w.grad)
