import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(4, 4)

    def forward(self, x):
        weights = torch.sigmoid(self.score(x))
        weights[:, 0] = 0  # the first position is padding
        return weights * x


torch.manual_seed(1)
model = Attention()
out = model(torch.randn(2, 4))
loss = out.pow(2).mean()
loss.backward()
print(model.score.weight.grad.shape)
