import torch

w = torch.zeros(3, requires_grad=True)
trainer = torch.optim.Adam([w, 0.5], lr=0.1)
