import torch

with torch.inference_mode():
    data = torch.arange(3.0)
w = torch.ones(3, requires_grad=True)
(w * data.clone()).sum().backward()
print(w.grad)
