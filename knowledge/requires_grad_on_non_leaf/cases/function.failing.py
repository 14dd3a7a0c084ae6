import torch


def constant(t):
    t.requires_grad_(requires_grad=False)
    return t


w = torch.tensor(2.0, requires_grad=True)
loss = constant(w**2) * w
loss.backward()
print(w.grad)
