"""The tensors that a rehearsal compares, the nudges that are put on them, and small things done with values."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
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


class Compared:
    """The tensors whose gradients are compared, by key, and the nudge on some of them.

    `nudge` is the keys that are nudged, which of the fixed directions, and how far.
    """

    def __init__(self, nudge: tuple[frozenset[Any], int, float]) -> None:
        self.tensors: dict[Any, torch.Tensor] = {}
        self.labels: dict[Any, str] = {}
        self.nudged, self._turn, self._step = nudge
        self._expected: dict[Any, torch.Tensor] = {}
        self._deltas: dict[Any, torch.Tensor] = {}

    def put_on(self, key: Any) -> None:
        """Nudge a tensor if it is its turn, and remember what it now is."""
        tensor = self.tensors[key]
        if key in self.nudged:
            self._deltas[key] = (self._step * random_numbers(tensor.shape, f"{key}/{self._turn}")).to(tensor.dtype)
            tensor.data.add_(self._deltas[key])
        self._expected[key] = tensor.data.clone()

    def take_off(self, key: Any) -> None:
        """Undo a nudge, before something is written into the tensor."""
        if key in self._deltas:
            self.tensors[key].data.sub_(self._deltas.pop(key))

    @contextlib.contextmanager
    def without_nudges(self) -> Iterator[None]:
        """All tensors as the program made them."""
        nudged = list(self._deltas)
        for key in nudged:
            self.take_off(key)
        yield
        for key in nudged:
            self.put_on(key)

    def leaf_in(self, place: int) -> Any:
        """The key of the leaf that lies in this memory, or None."""
        return next(
            (key for key, kept in self.tensors.items() if not isinstance(key, tuple) and memory(kept) == place), None
        )

    def changed_unseen(self) -> Any:
        """The key of a leaf that was written to where torch does not show it, or None."""
        return next(
            (
                key
                for key, kept in self.tensors.items()
                if not isinstance(key, tuple) and not same(kept.detach(), self._expected[key])
            ),
            None,
        )


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
