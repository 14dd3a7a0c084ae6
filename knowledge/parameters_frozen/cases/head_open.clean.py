import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10))
for param in model.parameters():
    param.requires_grad = False
model[2] = nn.Linear(8, 2)
loss = nn.functional.cross_entropy(model(torch.randn(5, 4)), torch.tensor([0, 1, 0, 1, 1]))
loss.backward()
print(model[0].weight.grad, model[2].bias.grad.shape)
