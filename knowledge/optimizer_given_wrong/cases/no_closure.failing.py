import torch

w = torch.zeros(2, requires_grad=True)
solver = torch.optim.LBFGS([w])
(w - 1).pow(2).sum().backward()
solver.step()
