import numpy as np
import torch
from torch import nn


def mean_error(predicted, wanted):
    difference = predicted - wanted
    return torch.mean(torch.square(difference))


torch.manual_seed(0)
net = nn.Linear(2, 1)
X, y = torch.randn(5, 2), torch.randn(5, 1)
loss = mean_error(net(X), y)
loss.backward()
print(net.weight.grad)
