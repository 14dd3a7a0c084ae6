import torch
from torch import nn

torch.manual_seed(0)
student, teacher = nn.Linear(3, 2), nn.Linear(3, 2)
inputs = torch.randn(4, 3)
with torch.no_grad():
    wanted = teacher(inputs)
loss = (student(inputs) - wanted).pow(2).mean()
loss.backward()
print(student.weight.grad.shape, teacher.weight.grad)
