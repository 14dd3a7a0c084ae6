"""The values that autograd takes for constants, held in every run of a rehearsal."""

from __future__ import annotations

from typing import Any

import torch
from inside.nudging import copied


class Constants:
    """What the cuts of one run gave, by event, and, of a nudged run, what they gave at the base point."""

    def __init__(self, base: Constants | None = None) -> None:
        self._base = base
        self._values: dict[Any, Any] = {}
        self._cut: list[tuple[torch.Tensor, int]] = []
        #: The events whose result the program then wrote into.
        self._written: set[int] = set()

    def held(self, event: int, result: Any) -> Any:
        """The result of a cut as it was at the base point; itself where it cannot be held."""
        self._values[event] = copied(result)
        if self._base is None or event in self._base._written or event not in self._base._values:
            return result
        return copied(self._base._values[event])

    def hold_in_place(self, key: tuple[int, int], tensor: torch.Tensor) -> None:
        """Fill a tensor with what it held at the base point."""
        self._values[key] = copied(tensor)
        constant = None if self._base is None else self._base._values.get(key)
        if isinstance(constant, torch.Tensor) and constant.shape == tensor.shape:
            tensor.data.copy_(constant)

    def left_the_graph(self, event: int, result: torch.Tensor) -> None:
        """Remember what a cut gave: it may look at a leaf's memory."""
        self._cut.append((result, event))

    def written_into(self, tensor: torch.Tensor) -> None:
        """Remember that the program writes into this tensor."""
        self._written |= {event for cut, event in self._cut if cut is tensor or cut is tensor._base}
