import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
h = x * 3
h.sum().backward(inputs=[h, x])
print(h.grad, x.grad)
