import torch
from torch import nn

torch.manual_seed(0)
classify = nn.Sequential(nn.Linear(5, 4), nn.Softmax(dim=-1))
likelihood = nn.NLLLoss()
optimizer = torch.optim.SGD(classify.parameters(), lr=0.5)
inputs, labels = torch.randn(9, 5), torch.randint(0, 4, (9,))
for _ in range(2):
    optimizer.zero_grad()
    cost = likelihood(classify(inputs), labels)
    cost.backward()
    optimizer.step()
    print(cost.item())
