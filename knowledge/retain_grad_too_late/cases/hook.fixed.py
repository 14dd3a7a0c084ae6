import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 2)
hidden = net(torch.ones(1, 3))
hidden.register_hook(lambda grad: print("gradient:", grad))
out = torch.relu(hidden).sum()
out.backward()
print("done")
