import torch

w = torch.tensor([0.4, 1.7], requires_grad=True)
trainer = torch.optim.SGD([w], lr=0.5)
for step in range(3):
    trainer.zero_grad()
    loss = ((w + (torch.round(w) - w).detach() - 5) ** 2).sum()
    loss.backward()
    trainer.step()
print(w)
