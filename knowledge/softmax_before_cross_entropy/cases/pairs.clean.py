import torch
import torch.nn.functional as F

torch.manual_seed(0)
z = torch.randn(5, 3, requires_grad=True)
y = torch.tensor([0, 1, 2, 0, 1])
(F.nll_loss(F.log_softmax(z, dim=1), y) + F.cross_entropy(z, y)).backward()
F.binary_cross_entropy(torch.sigmoid(z[:, 0]), (y > 0).float()).backward()
weights = torch.softmax(z, dim=0)  # attention, not a prediction
F.cross_entropy(weights * z, y).backward()
print(z.grad.shape)
