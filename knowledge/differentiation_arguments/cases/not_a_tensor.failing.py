import torch

a = torch.tensor([1.0, 2.0], requires_grad=True)
results = [(a * 2).sum().item(), (a * 3).sum()]
torch.autograd.backward(results, [torch.tensor(1.0), torch.tensor(0.5)])
print(a.grad)
