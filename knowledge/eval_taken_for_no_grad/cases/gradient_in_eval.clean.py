import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1)).eval()
image = torch.ones(1, 2, requires_grad=True)
model(image).sum().backward()
print(image.grad)
