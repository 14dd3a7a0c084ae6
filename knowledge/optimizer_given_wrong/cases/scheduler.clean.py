import torch

w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)
(w - 1).pow(2).sum().backward()
optimizer.step()
scheduler.step()
print(optimizer.param_groups[0]["lr"])
