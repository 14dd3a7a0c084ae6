import torch

w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
losses = []
for part in w:
    losses.append(part**2)
loss = sum(losses) / len(losses)
loss.backward()
print(w.grad)
