import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.GRU(2, 3)
optimizer = torch.optim.SGD(rnn.parameters(), lr=0.01)
h = torch.zeros(1, 4, 3)
for x in torch.randn(3, 5, 4, 2):
    h = h.detach()
    out, h = rnn(x, h)
    optimizer.zero_grad()
    out.pow(2).mean().backward()
    optimizer.step()
