import torch

torch.manual_seed(0)
W = torch.randn(2, 2, requires_grad=True)
h = torch.ones(2)
for t in range(3):
    h = torch.tanh(W @ h)
    loss = (h - 1).pow(2).sum()
    loss.backward()
    print(t, W.grad.norm())
