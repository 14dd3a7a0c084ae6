import torch
from torch.utils.checkpoint import checkpoint


class Growing:
    size = 2

    def __call__(self, x):
        self.size += 1
        return (torch.ones(self.size, 1) * x).sin().sum()


x = torch.ones(2, requires_grad=True)
checkpoint(Growing(), x, use_reentrant=False).backward()
