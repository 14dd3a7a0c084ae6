import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)
        self.act = nn.ReLU()

    def forward(self, x):
        h = torch.tanh(self.fc(x))
        out = self.act(h)
        return out + h * h


torch.manual_seed(0)
block = Block(3)
optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
for epoch in range(2):
    optimizer.zero_grad()
    loss = block(torch.randn(4, 3)).mean()
    loss.backward()
    optimizer.step()
