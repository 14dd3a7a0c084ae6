import torch

scores = torch.tensor([0.1, 2.0, 0.7], requires_grad=True)
values, place = torch.max(scores, dim=0)
cost = (place - 2.0) ** 2
cost.backward()
print(scores.grad)
