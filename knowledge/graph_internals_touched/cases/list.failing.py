from torch.autograd import Variable

x = Variable([1.0, 2.0], requires_grad=True)
