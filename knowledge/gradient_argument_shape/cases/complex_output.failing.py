import torch

z = torch.tensor([1.0 + 1.0j, 2.0j], requires_grad=True)
w = z * z
w.backward(torch.ones(2))
