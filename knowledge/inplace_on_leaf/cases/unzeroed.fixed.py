import torch

torch.manual_seed(0)
slope = torch.tensor([0.5, -0.5], requires_grad=True)
points = torch.randn(20, 2)
goal = points @ torch.tensor([2.0, 1.0])
for _ in range(4):
    error = ((points @ slope - goal) ** 2).mean()
    error.backward()
    with torch.no_grad():
        slope -= 0.2 * slope.grad
        slope.grad.zero_()
    print(error.item())
