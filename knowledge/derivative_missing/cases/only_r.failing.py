import torch

torch.manual_seed(0)
A = torch.randn(3, 3, requires_grad=True)
_, R = torch.linalg.qr(A, mode="r")
R.diagonal().sum().backward()
