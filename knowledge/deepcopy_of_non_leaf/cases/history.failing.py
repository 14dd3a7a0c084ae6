from copy import deepcopy

import torch


def record(values, result):
    values.append(deepcopy(result))


x = torch.tensor(2.0, requires_grad=True)
values = []
for power in range(1, 4):
    y = x**power
    record(values, y)
    y.backward()
print(values, x.grad)
