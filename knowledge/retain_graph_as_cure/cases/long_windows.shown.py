import torch

weight = torch.tensor([0.9, 0.8], requires_grad=True)
state = torch.zeros(2)
for window in torch.linspace(0.0, 1.0, 240).reshape(4, 60):
    for value in window:
        state = 0.3 * state + 0.7 * torch.tanh(weight * state + value)
    loss = state.sum()
    weight.grad = None
    loss.backward(retain_graph=True)
    print(loss.item(), weight.grad)
