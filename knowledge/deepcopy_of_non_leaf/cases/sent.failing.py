import torch
from torch.multiprocessing.reductions import reduce_tensor

x = torch.ones(2, requires_grad=True)
y = x * 2
reduce_tensor(y)
