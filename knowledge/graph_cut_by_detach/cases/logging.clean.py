import torch

w = torch.tensor(1.0, requires_grad=True)
history = []
for step in range(3):
    loss = (w - 3) ** 2
    history.append(loss.detach())
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad.zero_()
print(torch.stack(history))
