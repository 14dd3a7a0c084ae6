import torch

x = torch.tensor(1.5, requires_grad=True)
torch.special.gammainc(torch.tensor(2.0), x).backward()
print(x.grad)
