import torch
import torch.nn.functional as F

torch.manual_seed(0)
scores = torch.randn(6, 3, requires_grad=True)
guess = F.log_softmax(scores, dim=1)
cost = F.nll_loss(guess, torch.tensor([0, 1, 2, 2, 1, 0]))
cost.backward()
print(cost.item(), scores.grad.norm())
