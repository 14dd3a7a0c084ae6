import torch

w = torch.zeros(2, requires_grad=True)
loss = torch.log(w).sum()
loss.backward()
torch.nn.utils.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
