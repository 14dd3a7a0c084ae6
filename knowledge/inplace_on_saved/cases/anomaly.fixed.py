import torch

torch.autograd.set_detect_anomaly(True)
x = torch.tensor([0.5, 1.5], requires_grad=True)
y = torch.exp(x)
y = y + 1
y.sum().backward()
print(x.grad)
