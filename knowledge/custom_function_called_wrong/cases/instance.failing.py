import torch


class Square(torch.autograd.Function):
    def forward(self, x):
        self.save_for_backward(x)
        return x * x

    def backward(self, grad_output):
        (x,) = self.saved_tensors
        return 2 * x * grad_output


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Square()(x)
y.sum().backward()
print(x.grad)
