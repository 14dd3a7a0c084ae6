import torch

torch.manual_seed(0)
X = torch.randn(4, 2)
w = torch.tensor([[1.0], [2.0]])
print(X @ w)
