import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(32, 2)
y = X @ torch.tensor([[2.0], [-3.4]]) + 4.2
net = nn.Sequential(nn.Linear(2, 1))
loss = nn.MSELoss()
trainer = torch.optim.SGD(net.parameters(), lr=0.03)
for epoch in range(3):
    l = loss(net(X), y)
    l.backward()
    trainer.step()
    print(f"epoch {epoch + 1}, loss {l:f}")
