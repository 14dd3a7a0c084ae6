import torch

rate = torch.tensor([4.0], requires_grad=True)
opt = torch.optim.SGD([rate], lr=0.25)
for _ in range(3):
    cost = (rate * 3 - 6).pow(2).sum()
    cost.requires_grad_()
    opt.zero_grad()
    cost.backward()
    opt.step()
    print(rate.item())
