import torch
from torch import nn

torch.manual_seed(0)
backbone, head = nn.Linear(6, 4), nn.Linear(4, 1)
with torch.inference_mode():
    features = backbone(torch.randn(5, 6))
loss = head(features).pow(2).mean()
loss.backward()
print(head.weight.grad)
