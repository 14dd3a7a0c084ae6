import torch

angle = torch.nn.Parameter(torch.zeros(1))
shift = torch.nn.Parameter(torch.zeros(2))
optimizer = torch.optim.Adam([angle, shift], lr=0.1)
points = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
for step in range(3):
    turn = torch.stack([torch.stack([torch.cos(angle), -torch.sin(angle)]), torch.stack([torch.sin(angle), torch.cos(angle)])])
    loss = (points @ turn.T + shift - 1.0).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(angle.grad)
