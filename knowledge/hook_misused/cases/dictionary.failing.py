import torch
from torch import nn


class Named(nn.Module):
    def forward(self, x):
        return {"double": x * 2}


net = Named()
net.register_full_backward_hook(lambda module, given, made: None)
x = torch.ones(2, requires_grad=True)
net(x)["double"].sum().backward()
