import torch

with torch.inference_mode():
    cached = torch.ones(2)
print("changed", cached._version, "times")
