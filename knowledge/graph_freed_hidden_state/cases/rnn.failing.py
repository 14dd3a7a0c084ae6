import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.RNN(2, 4, batch_first=True)
readout = nn.Linear(4, 1)
optimizer = torch.optim.SGD([*rnn.parameters(), *readout.parameters()], lr=0.01)
X, Y = torch.randn(3, 5, 6, 2), torch.randn(3, 5, 6, 1)

h = torch.zeros(1, 5, 4)
for x, y in zip(X, Y):
    out, h = rnn(x, h)
    loss = ((readout(out) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
