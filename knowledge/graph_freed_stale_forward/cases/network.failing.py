import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(16, 3)
y = X.sum(dim=1, keepdim=True)
net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)

y_hat = net(X)
for epoch in range(3):
    optimizer.zero_grad()
    loss = criterion(y_hat, y)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())
