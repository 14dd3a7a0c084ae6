import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = x**2
loss = (3 * h).sum()
loss.backward(inputs=[h])
print(h.grad)
print(x.grad)
