import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.RNN(2, 4)
optimizer = torch.optim.SGD(rnn.parameters(), lr=0.01)
hidden = torch.zeros(1, 3, 4)
for x in torch.randn(3, 5, 3, 2):
    out, hidden = rnn(x, hidden)
    loss = out.pow(2).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
