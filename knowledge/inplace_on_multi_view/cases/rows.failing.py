import torch


def scale_rows(t, factors):
    rows = []
    for row, factor in zip(t, factors):
        row *= factor
        rows.append(row)
    return torch.stack(rows)


w = torch.ones(2, 3, requires_grad=True)
out = scale_rows(w * 1.0, [2.0, 3.0])
out.sum().backward()
print(w.grad)
