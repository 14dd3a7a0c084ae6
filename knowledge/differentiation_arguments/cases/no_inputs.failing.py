import torch

w = torch.tensor(2.0, requires_grad=True)
wanted = []
(w**2).backward(inputs=wanted)
print(w.grad)
