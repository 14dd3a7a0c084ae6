"""How far and where a tensor is nudged, and small things done with values."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy
import torch


@dataclass(frozen=True)
class Shift:
    """Where the base point is, seen from the program's own numbers: off by fixed random parts of this length."""

    length: float
    upwards: bool = False

    def of(self, shape: torch.Size, key: str) -> torch.Tensor:
        """What is added. No part is nearly nothing, or a kink would still be there."""
        numbers = random_numbers(shape, key)
        sides = 1.0 if self.upwards else torch.where(numbers < 0, -1.0, 1.0)
        return self.length * sides * (0.5 + numbers.abs() / 2)


@dataclass(frozen=True)
class Nudge:
    """Which tensors are nudged, along which of the fixed directions, and how far."""

    keys: frozenset[Any] = frozenset()
    turn: int = 0
    step: float = 0.0

    def of(self, tensor: torch.Tensor, key: Any) -> torch.Tensor:
        """What is added to a tensor of this key."""
        return (self.step * direction(tensor.shape, key, self.turn)).to(tensor.dtype)


def direction(shape: torch.Size, key: Any, turn: int) -> torch.Tensor:
    """A direction that a tensor is nudged along; the same in every run."""
    return random_numbers(shape, f"{key}/{turn}")


def version(tensor: torch.Tensor) -> int:
    """How often the tensor was changed in place; -1 where that is not counted."""
    return -1 if tensor.is_inference() else tensor._version


def memory(tensor: torch.Tensor) -> int:
    """A number for the memory that a tensor looks at."""
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else 0


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors hold the same numbers, with no number taken as zero."""
    return one.shape == other.shape and bool(torch.equal(torch.nan_to_num(one), torch.nan_to_num(other)))


def gained(before: torch.Tensor | None, after: torch.Tensor | None) -> torch.Tensor | None:
    """What a `.grad` gained over what it was before."""
    if after is None or before is None:
        return after
    return after.detach() - before


def dense(gradient: torch.Tensor) -> torch.Tensor:
    """A gradient as plain numbers of its own."""
    plain = gradient.detach()
    return (plain.to_dense() if plain.layout is not torch.strided else plain).clone()


def copied(value: Any) -> Any:
    """The value as it is now, whatever is written into it later."""
    match value:
        case torch.Tensor():
            return value.detach().clone()
        case numpy.ndarray():
            return value.copy()
        case tuple() | list():
            parts = [copied(part) for part in value]
            return type(value)(parts)  # torch's own named results take a list, as plain ones do
    return value


def random_numbers(shape: torch.Size, key: str) -> torch.Tensor:
    """Fixed numbers for a key, from a generator of their own: the program's seeds are not touched."""
    generator = random.Random(key)
    count = 1
    for size in shape:
        count *= size
    return torch.tensor([generator.uniform(-1, 1) for _ in range(count)], dtype=torch.float64).reshape(shape)
