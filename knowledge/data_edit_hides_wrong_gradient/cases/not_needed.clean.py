import torch

b = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (b + 1).sum()
b.data += 5
loss.backward()
print(b.grad)
