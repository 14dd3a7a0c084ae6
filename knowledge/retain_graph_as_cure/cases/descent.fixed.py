import torch

w = torch.tensor([3.0, -1.0], requires_grad=True)
target = torch.tensor([1.0, 1.0])
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(4):
    loss = ((w - target) ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(loss.item())
