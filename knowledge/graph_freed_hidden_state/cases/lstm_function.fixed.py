import torch
from torch import nn


def train(net, head, batches):
    optimizer = torch.optim.SGD([*net.parameters(), *head.parameters()], lr=0.1)
    state = None
    for x, y in batches:
        out, state = net(x, state)
        loss = nn.functional.mse_loss(head(out[-1]), y)
        optimizer.zero_grad()
        loss.backward()
        state = tuple(part.detach() for part in state)
        optimizer.step()
    return loss.item()


torch.manual_seed(0)
data = [(torch.randn(4, 3, 2), torch.randn(3, 1)) for _ in range(3)]
print(train(nn.LSTM(2, 5), nn.Linear(5, 1), data))
