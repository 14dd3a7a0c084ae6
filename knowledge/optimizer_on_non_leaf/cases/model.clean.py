import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 1).double()
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
net(torch.ones(2, 3).double()).sum().backward()
trainer.step()
print(net.bias.grad)
