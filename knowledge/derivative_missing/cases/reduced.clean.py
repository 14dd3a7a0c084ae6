import torch

torch.manual_seed(0)
A = torch.randn(4, 2, requires_grad=True)
Q, R = torch.linalg.qr(A)
R.abs().sum().backward()
print(A.grad.shape)
