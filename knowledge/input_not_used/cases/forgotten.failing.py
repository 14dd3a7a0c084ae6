import torch


class Line:
    def __init__(self):
        self.w = torch.tensor(2.0, requires_grad=True)
        self.b = torch.tensor(0.5, requires_grad=True)

    def __call__(self, x):
        return self.w * x


line = Line()
error = (line(torch.tensor(3.0)) - 1) ** 2
dw, db = torch.autograd.grad(error, [line.w, line.b])
print(dw, db)
