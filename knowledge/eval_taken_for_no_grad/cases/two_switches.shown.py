import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
x = torch.ones(1, 2)

model.eval()
print(model(x).requires_grad)  # eval() does not stop the recording

model.train()
with torch.no_grad():
    first, second = model(x), model(x)
print(first.requires_grad, torch.equal(first, second))  # no_grad() does not stop dropout
