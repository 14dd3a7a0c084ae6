import torch

signal = torch.sin(torch.arange(8.0)).requires_grad_()
spectrum = torch.fft.fft(signal)
loss = (spectrum**2).sum()
loss.backward()
print(signal.grad)
