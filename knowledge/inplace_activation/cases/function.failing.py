import torch
import torch.nn.functional as F

x = torch.tensor([-0.5, 0.2, 0.7], requires_grad=True)
y = torch.exp(x)
z = F.leaky_relu(y, 0.1, inplace=True)
z.sum().backward()
print(x.grad)
