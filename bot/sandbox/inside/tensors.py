"""Tensors as the tape sees them: identities that are never reused, states, fingerprints."""

from __future__ import annotations

import weakref
import zlib
from typing import Any

import torch
from torch.nn.parameter import is_lazy

#: Fingerprints and printed values are taken of tensors up to this many numbers; larger ones are sampled.
SMALL = 4096
#: Nodes of a graph that one backward call may report.
MOST_NODES = 2000
MOST_SIZES = 64


class Serials:
    """Numbers tensors in the order they are met. `id()` will not do: it is reused."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._next = 1

    def of(self, tensor: torch.Tensor) -> int:
        """The serial of this tensor, given at the first meeting."""
        known = self._known.get(id(tensor))
        if known is not None and known[0]() is tensor:
            return known[1]
        serial = self._next
        self._next += 1
        self._known[id(tensor)] = (weakref.ref(tensor), serial)
        return serial

    def of_node_variable(self, node: Any) -> int | None:
        """The serial of the leaf that a graph's AccumulateGrad node feeds."""
        variable = getattr(node, "variable", None)
        return None if variable is None else self.of(variable)


def found_in(value: Any, *, depth: int = 3) -> list[torch.Tensor]:
    """The tensors in an argument or a result: itself, or inside lists, tuples and dicts."""
    if isinstance(value, torch.Tensor):
        return [value] if is_there(value) else []
    if depth and isinstance(value, (list, tuple)):
        return [tensor for item in value[:64] for tensor in found_in(item, depth=depth - 1)]
    if depth and isinstance(value, dict):
        return [tensor for item in list(value.values())[:64] for tensor in found_in(item, depth=depth - 1)]
    return []


def is_there(tensor: torch.Tensor) -> bool:
    """Whether a tensor has numbers: the parameters of a lazy layer raise at every question until its first call."""
    return not is_lazy(tensor)


def node_of(tensor: torch.Tensor) -> Any:
    """The node of the graph that made a tensor, its `grad_fn`; None for a leaf.

    torch refuses to tell it of a view that was made under no_grad and whose base was written to since: such a view takes
    part in no graph, and the program never asked.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def is_leaf(tensor: torch.Tensor) -> bool:
    """Whether no node of the graph made a tensor."""
    return node_of(tensor) is None


def state(tensor: torch.Tensor, serial: int, names: tuple[str, ...], *, digest: bool) -> list[Any]:
    """One tensor as a row; `bot/sandbox/claimed_tape.py` names the fields."""
    inference = tensor.is_inference()
    node = node_of(tensor)
    return [
        serial,
        shape_of(tensor),
        str(tensor.dtype).removeprefix("torch."),
        node is None,
        tensor.requires_grad,
        node.name() if node is not None else None,
        -1 if inference else tensor._version,
        grad_held(tensor),
        list(names),
        fingerprint(tensor) if digest else None,
        isinstance(tensor, torch.nn.Parameter),
    ]


def shape_of(tensor: torch.Tensor) -> list[int]:
    """The tensor's shape; a nested tensor has none."""
    return [] if tensor.is_nested else list(tensor.shape)[:MOST_SIZES]


def grad_held(tensor: torch.Tensor) -> str:
    """Whether the tensor holds a gradient; asking a non-leaf directly would warn."""
    try:
        if not (tensor.is_leaf or tensor.retains_grad):
            return "hidden"
        return "none" if tensor.grad is None else "set"
    except RuntimeError:  # see `node_of`
        return "none"


def fingerprint(tensor: torch.Tensor) -> str | None:
    """A short checksum of the value, to compare the same tensor in two runs; None when there is none to take."""
    try:
        value = tensor.detach()
        if value.numel() > SMALL:
            value = value.flatten()[:: value.numel() // SMALL + 1]
        return f"{zlib.crc32(value.contiguous().numpy().tobytes()):08x}"
    except (RuntimeError, TypeError, NotImplementedError, ValueError):
        return None  # sparse, quantised, meta and the like have no bytes to look at


def printed(tensor: torch.Tensor | None) -> str | None:
    """The repr of a small tensor's value."""
    if tensor is None or tensor.is_nested or tensor.numel() > 64:
        return None
    try:
        return repr(tensor.detach())
    except (RuntimeError, NotImplementedError):
        return None


def graph_below(roots: list[torch.Tensor], serials: Serials) -> tuple[list[int], list[int]]:
    """The leaves that a backward from `roots` reaches, and the sequence numbers of the nodes on the way.

    Sequence numbers, not the nodes: a reference to a node would keep its graph alive.
    """
    leaves: list[int] = []
    nodes: list[int] = []
    waiting = [node for root in roots if (node := node_of(root)) is not None]
    leaves.extend(serials.of(root) for root in roots if is_leaf(root) and root.requires_grad)
    seen: set[int] = set()
    while waiting and len(nodes) < MOST_NODES:
        node = waiting.pop()
        number = node._sequence_nr()
        variable = serials.of_node_variable(node)
        if variable is not None:
            if variable not in leaves:
                leaves.append(variable)
            continue
        if number in seen:
            continue
        seen.add(number)
        nodes.append(number)
        waiting.extend(parent for parent, _ in node.next_functions if parent is not None)
    return leaves, sorted(nodes)
