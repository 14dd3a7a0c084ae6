import torch

w = torch.tensor([3.0], requires_grad=True)
for step in range(3):
    loss = (w - 1).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    print(w)
