import torch

t = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
s = t**3
s.backward(torch.ones_like(t), create_graph=True)
t.grad.backward(torch.ones_like(t))
print(t.grad)
