import torch


def with_decay(params, weight):
    for p in params:
        p.grad.add_(p.detach(), alpha=weight)


w = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (w**2).sum()
with_decay([w], 0.1)
loss.backward()
print(w.grad)
