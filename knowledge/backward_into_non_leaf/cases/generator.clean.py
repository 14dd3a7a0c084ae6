import torch
from torch import nn

torch.manual_seed(0)
generator, judge = nn.Linear(2, 2), nn.Linear(2, 1)
fake = generator(torch.randn(4, 2))
judge(fake).mean().backward(inputs=list(generator.parameters()))
print(generator.weight.grad.shape, judge.weight.grad)
