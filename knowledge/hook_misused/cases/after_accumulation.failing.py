import torch

x = torch.ones(2, requires_grad=True)
y = x * 2
y.register_post_accumulate_grad_hook(lambda t: None)
