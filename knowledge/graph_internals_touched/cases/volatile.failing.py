import torch
from torch.autograd import Variable

x = Variable(torch.ones(2), volatile=True)
print(x * 2)
