import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
X, y = torch.randn(10, 2, 2), torch.randint(0, 3, (10,))
for epoch in range(4):
    trainer.zero_grad
    l = nn.functional.cross_entropy(net(X), y)
    l.backward()
    trainer.step()
    print(f"epoch {epoch + 1}, loss {l:f}")
