"""The torch calls a run made, in order. Everything here is a claim: it comes from inside the jail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorState:
    """One tensor as an event saw it."""

    serial: int  #: its identity in this run; never reused
    shape: tuple[int, ...]
    dtype: str  #: "float32"
    leaf: bool
    requires_grad: bool
    grad_fn: str | None  #: "MulBackward0"
    version: int  #: in-place changes so far; -1 for inference tensors
    grad: str  #: "none", "set" or "hidden" (a non-leaf that does not retain it)
    names: tuple[str, ...] = ()  #: what the asker's frame calls it then
    digest: str | None = None  #: fingerprint of its value, to compare runs
    parameter: bool = False  #: it is an `nn.Parameter`


@dataclass(frozen=True, kw_only=True, slots=True)
class BackwardCall:
    """What a call of backward() or autograd.grad() was given, and what it could reach."""

    roots: tuple[int, ...]  #: serials
    inputs: tuple[int, ...]  #: serials named by `inputs=`, or given to autograd.grad
    leaves: tuple[int, ...]  #: serials of the leaves reached
    nodes: tuple[int, ...]  #: sequence numbers of the graph's nodes, to tell shared parts
    retain_graph: bool
    create_graph: bool
    weights: str  #: "none" or "given": the gradient argument
    held: tuple[int, ...] = ()  #: serials of the reached leaves that held a gradient, other than zero, before the call
    places: tuple[tuple[int, ...], ...] = ()  #: for each of `nodes`, the asker's lines that made it, outermost first


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One in-place change of a tensor."""

    line: int
    op: str  #: "Tensor.add_", or "step" for an optimizer's
    stack: tuple[int, ...] = ()  #: the asker's lines that led there, outermost first, without `line`


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """For an error about an in-place change: who needed the tensor, and who changed it."""

    node: str  #: "MulBackward0": the node that needs the old numbers
    line: int  #: of the call that made the node; 0 when it is not known
    op: str
    stack: tuple[int, ...]
    changes: tuple[Change, ...]  #: since the numbers were saved
    serials: tuple[int, ...]  #: the tensors in that memory
    names: tuple[str, ...]  #: what the asker calls them
    leaf: bool  #: one of them is a leaf that requires grad


@dataclass(frozen=True, kw_only=True, slots=True)
class NonFinite:
    """A sound loss gave a gradient that is not a number."""

    kind: str  #: "nan" or "inf"
    node: str  #: the first node that made it; empty when it was not seen
    line: int  #: of the call that made the node; 0 when it is not known
    op: str
    stack: tuple[int, ...]
    leaves: tuple[int, ...]  #: serials of the leaves that hold such a gradient


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One torch call."""

    index: int  #: place on the tape, from 0
    line: int  #: of the snippet, from 1; 0 when it has none
    op: str  #: "Tensor.reshape", "torch.mm", "Tensor.grad.__get__"
    inputs: tuple[TensorState, ...] = ()
    outputs: tuple[TensorState, ...] = ()
    grad_enabled: bool = True
    inference: bool = False
    inplace: bool = False
    error: str | None = None  #: the message, when the call raised
    times: int = 1  #: how often the line made this call, when only the first passes are kept
    backward: BackwardCall | None = None
    note: str | None = None  #: for events torch itself does not show: "step", "zero_grad", "attribute"
    stack: tuple[int, ...] = ()  #: the asker's lines that led to `line`, outermost first; empty at the top level
    node: int | None = None  #: sequence number of the graph's node that the first output came from
    writes: tuple[int, ...] = ()  #: serials of the inputs that the call changed
    same: bool = False  #: for a comparison or a copy: both sides are the same memory
    clash: Clash | None = None
    nonfinite: NonFinite | None = None

    @property
    def place(self) -> tuple[int, ...]:
        """The asker's lines that led to this call, outermost first, its own last."""
        return (*self.stack, self.line)


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """From event `at` on, `name` means tensor `serial` (None: it no longer names a tensor)."""

    at: int
    line: int
    name: str
    serial: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedTensor:
    """A tensor that a name holds when the run ends."""

    name: str
    state: TensorState
    value: str | None  #: its repr, when it is small
    grad: str | None  #: repr of its gradient, when it holds one and it is small


@dataclass(frozen=True, kw_only=True)
class Tape:
    """All events of a run, the names, and what was left at the end."""

    events: tuple[Event, ...] = ()
    bindings: tuple[Binding, ...] = ()
    finals: tuple[NamedTensor, ...] = ()
    cut: bool = False  #: the tape was full before the run ended
    trusted: bool = True  #: False: the run without the tape ended differently

    def calls(self, *ops: str) -> Iterator[Event]:
        """The events whose operation's last word is one of `ops`: "backward" finds Tensor.backward."""
        return (event for event in self.events if short_name(event.op) in ops)

    def state_of(self, serial: int) -> TensorState | None:
        """The last state seen of a tensor."""
        return self._states.get(serial)

    def maker(self, serial: int) -> Event | None:
        """The event that first returned this tensor."""
        return self._makers.get(serial)

    def ever_named(self, serial: int) -> str | None:
        """A name this tensor had at some time."""
        return self._named.get(serial)

    @cached_property
    def differentiations(self) -> tuple[Event, ...]:
        """The calls that differentiate, in order."""
        return tuple(event for event in self.events if event.backward is not None)

    @cached_property
    def grad_reads(self) -> tuple[Event, ...]:
        """The readings of `.grad` in the asker's own lines."""
        return tuple(event for event in self.events if event.op == "Tensor.grad.__get__" and event.inputs)

    @cached_property
    def _states(self) -> dict[int, TensorState]:
        return {state.serial: state for event in self.events for state in reversed((*event.outputs, *event.inputs))}

    @cached_property
    def _makers(self) -> dict[int, Event]:
        return {state.serial: event for event in reversed(self.events) for state in event.outputs}

    @cached_property
    def _named(self) -> dict[int, str]:
        return {one.serial: one.name for one in reversed(self.bindings) if one.serial is not None}


def short_name(op: str) -> str:
    """The name a person uses: "Tensor.T.__get__" → "T", "torch.mm" → "mm"."""
    return op.removesuffix(".__get__").removesuffix(".__set__").rsplit(".", 1)[-1]
