import torch

torch.manual_seed(0)
w = torch.randn(3, requires_grad=True) * 0.01
trainer = torch.optim.SGD([w], lr=0.1)
loss = (w**2).sum()
loss.backward()
trainer.step()
print(w)
