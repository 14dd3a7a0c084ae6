import torch

mean = torch.ones(3).mean()
mean.retain_grad()
