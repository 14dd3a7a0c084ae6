import torch

torch.manual_seed(0)
W1 = (torch.randn(4, 3) * 0.1).requires_grad_()
W2 = (torch.randn(3, 1) * 0.1).requires_grad_()
params = [W1, W2]
optimizer = torch.optim.Adam([W1, W2], lr=0.01)
for epoch in range(2):
    optimizer.zero_grad()
    l = (torch.relu(torch.ones(2, 4) @ W1) @ W2).pow(2).mean()
    l.backward()
    optimizer.step()
