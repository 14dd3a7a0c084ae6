import torch
import torch.nn as nn


class Stack(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            self.blocks.append(nn.Linear(4, 4))

    def forward(self, x):
        for block in self.blocks:
            x = torch.tanh(block(x))
        return x


def main():
    model = Stack(3)
    trainer = torch.optim.Adam(model.parameters(), lr=0.001)
    loss = model(torch.ones(2, 4)).mean()
    loss.backward()
    trainer.step()


main()
