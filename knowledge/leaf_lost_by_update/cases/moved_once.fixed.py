import torch

shift = torch.tensor([1.0, 4.0], requires_grad=True)
with torch.no_grad():
    shift -= 0.5
cost = (shift * shift).sum()
cost.backward()
print(shift.grad)
