import torch

w = torch.tensor([1.0], requires_grad=True)
for step in range(80):
    loss = (w**4).sum()
    loss.backward()
    with torch.no_grad():
        w -= 10.0 * w.grad
        w.grad.zero_()
print(w)
