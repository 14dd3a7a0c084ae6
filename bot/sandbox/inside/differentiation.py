"""What one backward() or autograd.grad() of a rehearsal gave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Call:
    """What was differentiated, with which weights, and what each tensor got from it."""

    line: int
    kind: str
    value: float
    weights: list[torch.Tensor | None]
    gradients: dict[Any, torch.Tensor | None]
    partial: bool = False  #: it was asked for these tensors alone, whatever else it may depend on

    def same_as(self, other: Call) -> bool:
        """Whether two runs of one program agree to the last digit, as far as both were asked the same."""
        values = self.value == other.value or (math.isnan(self.value) and math.isnan(other.value))
        both = self.gradients.keys() & other.gradients.keys()
        return values and all(_same(self.gradients[key], other.gradients[key]) for key in both)


def weighted(
    outputs: list[torch.Tensor], given: Any, held: list[torch.Tensor | None] | None
) -> tuple[float, list[torch.Tensor | None]]:
    """The sum of weight × output, and the weights; autograd takes them for constants, so those `held` win."""
    weights = held if held is not None else _listed(given, len(outputs))
    total = 0.0
    for output, weight in zip(outputs, weights, strict=False):
        plain = output.detach()
        total += float((plain if weight is None else plain * weight).sum())
    return total, weights


def _listed(given: Any, count: int) -> list[torch.Tensor | None]:
    found = [given] if isinstance(given, torch.Tensor) else list(given or ())
    copies = [one.detach().clone() if isinstance(one, torch.Tensor) else None for one in found]
    return copies + [None] * (count - len(copies))


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(torch.equal(torch.nan_to_num(one), torch.nan_to_num(other)))
