import torch

signal = torch.sin(torch.arange(8.0)).requires_grad_()
spectrum = torch.fft.fft(signal)
loss = (spectrum.abs() ** 2).sum()  # a real number: how strong the spectrum is
loss.backward()
print(signal.grad)
