import torch


def watch(t):
    t.register_hook(print)


data = torch.ones(2)
watch(data)
