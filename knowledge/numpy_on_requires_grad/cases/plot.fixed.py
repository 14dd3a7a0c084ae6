import matplotlib.pyplot as plt
import torch

x = torch.arange(-2.0, 2.0, 0.5, requires_grad=True)
y = torch.relu(x)
plt.plot(x.detach(), y.detach())
plt.title("relu")
