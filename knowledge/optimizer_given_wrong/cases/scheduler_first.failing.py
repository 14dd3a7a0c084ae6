import torch

w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)
for epoch in range(2):
    optimizer.zero_grad()
    (w - 1).pow(2).sum().backward()
    scheduler.step()
    optimizer.step()
