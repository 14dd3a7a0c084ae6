"""Where each node of the graph was made and each tensor written to, so that an error can be traced to its cause.

The message of an in-place error names neither the line that changed the tensor nor the one that needs it. Both
are found here: a node's sequence number tells the call that made it, and a saved tensor's storage tells who wrote.
"""

from __future__ import annotations

import bisect
import re
import weakref
from types import FrameType
from typing import Any

import torch
from inside import tensors

#: How many calls and writes are remembered; the last ones are what an error is about.
MOST = 20000
#: Nodes that one backward call may be searched for.
MOST_NODES = 400
_EXPECTED = re.compile(r"expected version (\d+)")


class History:
    """What made the graph's nodes, and what wrote into which storage."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._made: list[tuple[int, str, list[int]]] = []
        self._writes: list[tuple[int, int, int, int, str, list[int]]] = []

    def made(self, result: Any, line: int, op: str, stack: list[int]) -> int | None:
        """Remember the call that made a node; returns the node's sequence number."""
        first = result[0] if isinstance(result, (tuple, list)) and result else result
        node = tensors.node_of(first) if isinstance(first, torch.Tensor) else None
        if node is None:
            return None
        number: int = node._sequence_nr()
        if number < 1 << 60 and len(self._numbers) < MOST and (not self._numbers or number > self._numbers[-1]):
            self._numbers.append(number)
            self._made.append((line, op, stack))
        return number

    def wrote(self, tensor: torch.Tensor, line: int, op: str, stack: list[int]) -> None:
        """Remember that a call changed a tensor in place."""
        if len(self._writes) < MOST and not tensor.is_inference():
            self._writes.append((storage(tensor), torch.autograd._get_sequence_nr(), tensor._version, line, op, stack))

    def maker(self, number: int) -> tuple[int, str, list[int]] | None:
        """The call that made the node of this number: one call may make several, its result is the last of them."""
        place = bisect.bisect_left(self._numbers, number)
        return self._made[place] if place < len(self._made) else None

    def place(self, number: int) -> list[int]:
        """The asker's lines that made the node of this number, outermost first; empty when not known."""
        line, _, stack = self.maker(number) or (0, "", [])
        return [*stack, line] if line else []

    def clash(self, roots: list[torch.Tensor], error: Exception, known: list[torch.Tensor]) -> dict[str, Any] | None:
        """For an in-place error: who needed the tensor that was changed, who changed it, and which tensors it is."""
        expected = _EXPECTED.search(str(error))
        if "modified by an inplace operation" not in str(error) or expected is None:
            return None
        for node in nodes_below(roots):
            for saved in _saved(node):
                if saved._version <= int(expected[1]):
                    continue
                place = storage(saved)
                # Who wrote before the node was made changed nothing that it saved: a weight is filled before it is used.
                changes = [
                    {"line": line, "op": op, "stack": stack}
                    for where, following, version, line, op, stack in self._writes
                    if where == place
                    and following > node._sequence_nr()
                    and int(expected[1]) < version <= saved._version
                ]
                if changes:
                    line, op, stack = self.maker(node._sequence_nr()) or (0, "", [])
                    return {
                        "node": node.name(), "line": line, "op": op, "stack": stack, "changes": changes[:8],
                        "tensors": [tensor for tensor in known if storage(tensor) == place][:8],
                    }  # fmt: skip
        return None


class Finite:
    """Looks on while a backward runs: which node is the first to make a gradient that is no number."""

    def __init__(self, roots: list[torch.Tensor]) -> None:
        self.node: Any = None
        self.sound = finite(roots)
        self._handles: list[Any] = []
        if self.sound:
            self._handles = [node.register_hook(self._looker(node)) for node in nodes_below(roots) if _plain(node)]

    def _looker(self, node: Any) -> Any:
        def look(made: Any, given: Any) -> None:
            if self.node is None and not all(map(_finite, made)) and all(map(_finite, given)):
                self.node = node

        return look

    def end(self) -> None:
        """Take the hooks off again."""
        for handle in self._handles:
            handle.remove()


def gradient_kind(gradients: list[torch.Tensor | None]) -> str | None:
    """ "nan" or "inf" when one of these gradients holds such a value."""
    kinds = {_kind(gradient) for gradient in gradients if gradient is not None}
    return "nan" if "nan" in kinds else "inf" if "inf" in kinds else None


def nodes_below(roots: list[torch.Tensor]) -> list[Any]:
    """The nodes that a backward from `roots` walks, at most `MOST_NODES`."""
    waiting = [node for root in roots if (node := tensors.node_of(root)) is not None]
    seen: dict[Any, None] = {}
    while waiting and len(seen) < MOST_NODES:
        node = waiting.pop()
        if node not in seen:
            seen[node] = None
            waiting.extend(parent for parent, _ in node.next_functions if parent is not None)
    return list(seen)


def leaves_below(roots: list[torch.Tensor]) -> list[weakref.ref[torch.Tensor]]:
    """The leaves that a backward from `roots` reaches."""
    variables = [getattr(node, "variable", None) for node in nodes_below(roots)]
    own = [root for root in roots if tensors.is_leaf(root) and root.requires_grad]
    return [weakref.ref(leaf) for leaf in (*variables, *own) if leaf is not None]


def same_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are the same numbers in the same memory."""
    return one.shape == other.shape and one.numel() > 0 and storage(one) == storage(other) and (
        one.storage_offset() == other.storage_offset()
    )  # fmt: skip


def holds_gradient(tensor: torch.Tensor) -> bool:
    """Whether a gradient other than zero is there: a zeroed one counts as none."""
    try:
        return tensor.grad is not None and bool(tensor.grad.any())
    except (RuntimeError, NotImplementedError):
        return tensor.grad is not None


def storage(tensor: torch.Tensor) -> int:
    """A number for the memory that a tensor looks at; views of one tensor share it."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return id(tensor)  # sparse and the like have no storage of their own


def _saved(node: Any) -> list[torch.Tensor]:
    """What a node saved, changed or not: a hook put on a saved tensor is shown it at once."""
    found: list[torch.Tensor] = []

    def look(tensor: torch.Tensor) -> torch.Tensor:
        found.append(tensor)
        return tensor

    for name in dir(node):
        if name.startswith("_raw_saved"):
            try:
                kept = getattr(node, name)
            except RuntimeError:  # a list, freed already
                continue
            for one in kept if isinstance(kept, (tuple, list)) else (kept,):
                try:
                    one.register_hooks(look, lambda tensor: tensor)
                except (RuntimeError, AttributeError):
                    continue  # freed already, or None
    return found


def _plain(node: Any) -> bool:
    return getattr(node, "variable", None) is None


def finite(roots: list[torch.Tensor]) -> bool:
    """Whether what is differentiated holds numbers only."""
    return all(_finite(root) for root in roots)


def _finite(tensor: torch.Tensor | None) -> bool:
    return tensor is None or _kind(tensor) is None


def _kind(tensor: torch.Tensor) -> str | None:
    try:
        total = float(tensor.detach().sum().abs())
    except (RuntimeError, TypeError, NotImplementedError):
        return None  # sparse, meta, ...: nothing to look at
    if total < float("inf"):
        return None
    if bool(torch.isnan(tensor.detach()).any()):
        return "nan"
    return "inf" if bool(torch.isinf(tensor.detach()).any()) else None


def stack_of(frame: FrameType | None, name: str) -> list[int]:
    """The lines of the asker's frames that led to this one, outermost first, without its own."""
    lines: list[int] = []
    frame = frame.f_back if frame is not None else None
    while frame is not None and len(lines) < 8:
        if frame.f_code.co_filename == name:
            lines.append(frame.f_lineno)
        frame = frame.f_back
    return lines[::-1]


def serial_rows(found: dict[str, Any], serials: tensors.Serials, names: dict[int, list[str]]) -> dict[str, Any]:
    """The clash with its tensors as serials, names and whether one is a leaf that requires grad."""
    held = found.pop("tensors")
    return found | {
        "serials": [serials.of(tensor) for tensor in held],
        "names": list(dict.fromkeys(name for tensor in held for name in names.get(id(tensor), ())))[:6],
        "leaf": any(tensors.is_leaf(tensor) and tensor.requires_grad for tensor in held),
    }
