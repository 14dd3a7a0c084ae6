import torch
from torch.autograd import Variable

pixels = Variable(torch.ones(3), volatile=True)
weight = Variable(torch.ones(3), requires_grad=True)
score = (pixels * weight).sum()
score.backward()
print(weight.grad)
