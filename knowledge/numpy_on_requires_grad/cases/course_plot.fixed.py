import torch
from d2l import torch as d2l

x = torch.arange(-3.0, 3.0, 1.0, requires_grad=True)
y = torch.sigmoid(x)
d2l.plt.scatter(x.detach(), y.detach())
print("done")
