import torch

torch.manual_seed(0)
A = torch.randn(4, 2, requires_grad=True)
Q, R = torch.linalg.qr(A, mode="reduced")
loss = R.abs().sum()
loss.backward()
print(A.grad.shape)
