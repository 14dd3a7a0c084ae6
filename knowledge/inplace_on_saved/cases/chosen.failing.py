import torch
from torch import nn


class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(4, 1)

    def forward(self, x, padding):
        weights = torch.softmax(self.score(x).squeeze(-1), dim=1)
        weights[padding] = 0
        return (weights.unsqueeze(-1) * x).sum(1)


torch.manual_seed(0)
pooling = Pooling()
x = torch.randn(2, 3, 4)
padding = torch.tensor([[False, False, True], [False, False, False]])
pooling(x, padding).pow(2).mean().backward()
