import torch
from torch import nn

torch.manual_seed(0)
w = torch.zeros(2, requires_grad=True)
X = torch.randn(10, 2)
y = (X[:, 0] > 0).float()
loss_fn = nn.BCEWithLogitsLoss()
p = X @ w
loss = loss_fn(p, y)
loss.backward()
print(w.grad)
