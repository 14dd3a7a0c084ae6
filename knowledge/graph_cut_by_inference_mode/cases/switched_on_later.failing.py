import torch

with torch.inference_mode():
    start = torch.full((3,), 0.5)
start.requires_grad_()
(start**2).sum().backward()
print(start.grad)
