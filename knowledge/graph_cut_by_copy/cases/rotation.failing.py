import torch


def rotation(angle):
    return torch.tensor([[torch.cos(angle), -torch.sin(angle)], [torch.sin(angle), torch.cos(angle)]])


angle = torch.tensor(0.3, requires_grad=True)
point = rotation(angle) @ torch.tensor([1.0, 0.0])
point[1].backward()
print(angle.grad)
