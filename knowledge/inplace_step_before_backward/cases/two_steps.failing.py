import torch
from torch import nn

torch.manual_seed(0)
body = nn.Linear(4, 4)
head = nn.Linear(4, 1)
body_opt = torch.optim.SGD(body.parameters(), lr=0.1)
head_opt = torch.optim.SGD(head.parameters(), lr=0.1)
x, y = torch.randn(8, 4), torch.randn(8, 1)

out = head(torch.relu(body(x)))
loss = ((out - y) ** 2).mean()
penalty = out.abs().mean()

loss.backward(retain_graph=True)
head_opt.step()
penalty.backward()
body_opt.step()
