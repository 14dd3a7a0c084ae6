import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(4, 3)
X, y = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
predicted = net(X).argmax(dim=1)
loss = (predicted != y).float().mean()
loss.backward()
print(net.weight.grad)
