import numpy as np
import torch

slope = torch.tensor(2.0, requires_grad=True)
history = []
for _ in range(3):
    cost = (slope - 5) ** 2
    cost.backward()
    history.append(cost)
    with torch.no_grad():
        slope -= 0.1 * slope.grad
        slope.grad.zero_()
print(np.array(history))
