"""The tensors that a rehearsal compares, and the nudges that are put on them."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import torch
from inside import tensors
from inside.naming import Naming
from inside.nudging import Nudge, Shift, memory, same
from inside.precision import Precision

COMPLEX = "complex and sparse tensors are not compared"


class Compared:
    """The tensors of one run whose gradients are compared, and the nudge on some of them.

    A leaf's key is its number in the order of first use; an intermediate's is its birth, (event, output):
    both are the same in every run of a program that takes the same way.
    """

    def __init__(
        self,
        nudge: Nudge,
        *,
        shift: Shift,
        births: frozenset[tuple[int, int]],
        precision: Precision,
        naming: Naming,
        give_up: Callable[[str], NoReturn],
    ) -> None:
        """`births` are the intermediates that are compared; `give_up` ends the run, with the reason."""
        self.serials = tensors.Serials()
        self.tensors: dict[Any, torch.Tensor] = {}
        self._labels: dict[Any, str] = {}
        self._keys: dict[int, Any] = {}
        self._born: dict[int, tuple[int, int]] = {}
        self._leaves = 0
        self._nudge = nudge
        self._shift = shift
        self._births = births
        self._precision = precision
        self._naming = naming
        self._give_up = give_up
        self._expected: dict[Any, torch.Tensor] = {}
        self._deltas: dict[Any, torch.Tensor] = {}

    # Which tensors they are

    def meet(self, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        """At a leaf's first use: give it memory of its own, off its base point, nudged if it is its turn."""
        serial = self.serials.of(tensor)
        if serial in self._keys or not (tensor.requires_grad and tensors.is_leaf(tensor)) or tensor.is_inference():
            return
        key = self._leaves
        self._leaves += 1
        self._keep(key, serial, tensor, frame)
        shifted = tensor.data + self._shift.of(tensor.shape, f"{key}/base")
        tensor.data = shifted.to(self._precision.of(tensor))
        self.put_on(key)

    def meet_all(self, found: Iterable[torch.Tensor], frame: types.FrameType | None) -> None:
        """`meet` each of them."""
        for tensor in found:
            self.meet(tensor, frame)

    def notice_births(self, event: int, result: Any, frame: types.FrameType | None, *, anew: bool = False) -> None:
        """Keep those of a call's results that are compared; `anew` when the call wrote them in place."""
        for place, tensor in enumerate(tensors.found_in(result)[:8]):
            if tensors.is_leaf(tensor):
                continue
            serial, key = self.serials.of(tensor), (event, place)
            if anew or serial not in self._born:
                self._born[serial] = key
            if key in self._births and serial not in self._keys:
                self._keep(key, serial, tensor, frame)
                if key in self._nudge.keys:
                    if not anew or tensor._is_view():  # otherwise its views must follow it
                        tensor.data = tensor.data.clone()
                    self.put_on(key)

    def _keep(self, key: Any, serial: int, tensor: torch.Tensor, frame: types.FrameType | None) -> None:
        if tensor.is_complex() or tensor.layout is not torch.strided:
            self._give_up(COMPLEX)
        self._keys[serial] = key
        self.tensors[key] = tensor
        self._labels[key] = self._naming.of(tensor, frame)

    def birth_of(self, serial: int) -> tuple[int, int] | None:
        """Which call made it, and which of its results it is."""
        return self._born.get(serial)

    def key_of(self, tensor: torch.Tensor) -> Any:
        """The key of a tensor that is compared, else None."""
        return self._keys.get(self.serials.of(tensor))

    def below(self, outputs: list[torch.Tensor], asked: list[torch.Tensor]) -> list[tuple[Any, torch.Tensor]]:
        """Those into whose `.grad` a backward() from these outputs adds, be it asked for these alone."""
        leaves, nodes = tensors.graph_below(outputs, self.serials)
        only = {self.serials.of(tensor) for tensor in asked}
        found = []
        for key, tensor in self.tensors.items():
            serial = self.serials.of(tensor)
            node = tensors.node_of(tensor)
            held = node is not None and tensor.retains_grad and node._sequence_nr() in nodes
            if (serial in leaves or held) and (not only or serial in only):
                found.append((key, tensor))
        return found

    def label(self, key: Any) -> str:
        """The asker's name for a tensor, else its number."""
        return self._labels.get(key) or f"#{list(self.tensors).index(key) + 1}"

    def label_all(self) -> None:
        """Take the names that the tensors have by now."""
        for key, tensor in self.tensors.items():
            self._labels[key] = self._naming.of(tensor, None) or self._labels[key]

    # The nudge

    def put_on(self, key: Any) -> None:
        """Nudge a tensor if it is its turn, and remember what it now is."""
        tensor = self.tensors[key]
        if key in self._nudge.keys:
            self._deltas[key] = self._nudge.of(tensor, key)
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
