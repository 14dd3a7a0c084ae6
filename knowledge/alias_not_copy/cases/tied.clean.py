import torch
from torch import nn

torch.manual_seed(0)
encoder = nn.Linear(4, 2, bias=False)
decoder = nn.Linear(2, 4, bias=False)
decoder.weight = nn.Parameter(encoder.weight.t())
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
x = torch.randn(3, 4)
loss = (decoder(torch.tanh(encoder(x))) - x).pow(2).mean()
loss.backward()
optimizer.step()
print(torch.equal(decoder.weight, encoder.weight.t()))
