import torch


class Polynomial(torch.nn.Module):
    def __init__(self, degree):
        super().__init__()
        self.weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(degree)]
        self.bias = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.bias + sum(w * x ** (i + 1) for i, w in enumerate(self.weights))


torch.manual_seed(0)
x = torch.linspace(-1, 1, 9)
model = Polynomial(2)
sgd = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    sgd.zero_grad()
    ((model(x) - x**2) ** 2).mean().backward()
    sgd.step()
print(model.weights)
