import numpy as np
import torch

base = torch.ones(2, requires_grad=True)
rows = [base * 2, base * 3]
print(np.stack([one.detach() for one in rows]))
