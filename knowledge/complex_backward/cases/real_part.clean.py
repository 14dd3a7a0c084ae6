import torch

x = torch.arange(4.0, requires_grad=True)
torch.fft.ifft(torch.fft.fft(x) * 2).real.sum().backward()
print(x.grad)
