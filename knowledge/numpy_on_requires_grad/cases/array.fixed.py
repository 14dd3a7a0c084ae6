import numpy as np
import torch
from torch import nn


def predictions(net, inputs):
    outputs = net(inputs)
    return np.array(outputs.detach())


torch.manual_seed(0)
print(predictions(nn.Linear(2, 1), torch.ones(3, 2)).shape)
