import torch


def fit(x, y):
    w = torch.zeros(2, requires_grad=True)
    opt = torch.optim.Adam([w], lr=0.1)
    w = torch.tensor([0.5, -0.5], requires_grad=True)
    for _ in range(3):
        opt.zero_grad()
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()
        opt.step()
    return w


torch.manual_seed(0)
print(fit(torch.randn(6, 2), torch.randn(6)))
