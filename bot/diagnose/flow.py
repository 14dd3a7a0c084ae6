"""Where values come from: back along the tape from a tensor to the place where the graph was cut.

The graph knows nothing of a tensor that was made without it, so this goes by values: from what an event
returned to what it was given. Where values left the tensors (`.item()`, `.numpy()`) and came back later,
the way goes through the program's names; see `bot/diagnose/outside.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from bot.diagnose.outside import EXITS, Outside
from bot.diagnose.view import View
from bot.domain.tape import Event, TensorState, short_name

#: Calls that look at a tensor's shape or place only: no value flows through them.
_SHAPE_ONLY = frozenset({
    "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "randint_like",
    "new_zeros", "new_ones", "new_empty", "new_full", "expand_as", "attribute", "optimizer", "step", "zero_grad",
})  # fmt: skip
_COPIES = frozenset({"tensor", "as_tensor", "asarray", "new_tensor", "scalar_tensor"})
_CASTS = frozenset({"long", "int", "short", "byte", "char", "bool", "to", "type", "type_as"})
#: A cut of these kinds is often made only so that a value may leave; then the leaving is what matters.
_ON_THE_WAY_OUT = frozenset({"detach", "data"})
#: Operations by which a leaf is moved a step.
_STEPS = frozenset({"add", "sub", "__add__", "__sub__", "__radd__"})


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A place where a tensor that required grad went in, and one that does not came out."""

    kind: str  #: a value of the word `graph_cut_by`
    event: Event  #: the call that cut
    given: TensorState  #: the tensor that went in
    distance: int  #: calls between it and where the walk began
    exit: Event | None = None  #: the call by which the value left the tensors, when one lies behind the cut
    update: bool = False  #: the result took over the name of the leaf that went in: `w = w - lr * w.grad`

    @property
    def line(self) -> int:
        """The line to blame."""
        return (
            self.exit.line if self.exit is not None and self.kind not in ("no_grad", "inference") else self.event.line
        )


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What lies behind a value: the cuts, and the tensors at which it ends without one."""

    cuts: tuple[Cut, ...]
    sources: tuple[TensorState, ...]  #: made from nothing, and not requiring grad
    passed: frozenset[int] = field(default_factory=frozenset)  #: serials of all tensors on the way

    @property
    def best(self) -> Cut | None:
        """The cut to blame: a way out of the tensors before a cut that may be meant, then the one behind most calls.

        A target is often detached on purpose, while the mistake sits on the other path.
        """
        meant = ("detach", "data", "no_grad")
        return min(self.cuts, key=lambda cut: (cut.kind in meant and len(self.cuts) > 1, cut.distance), default=None)


class Flow:
    """The values of one run."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._events = view.tape.events
        self.outside = Outside(view.tree, self._events)
        self._writers: dict[int, list[Event]] = {}
        self._counted = [event for event in self._events if event.times > 1]
        for event in self._events:
            if event.error or event.backward is not None or short_name(event.op) in _SHAPE_ONLY | {"grad"}:
                continue
            written = {state.serial for state in event.outputs}
            if event.inplace and event.inputs:
                written.add(event.inputs[0].serial)
            for serial in written:
                self._writers.setdefault(serial, []).append(event)

    def behind(self, roots: Iterable[int], *, until: int, through_graph: bool = False) -> Walk:
        """What lies behind these tensors before event number `until`.

        `through_graph` goes on through tensors that require grad, to find what is hidden behind a new leaf.
        """
        walk = _Walking(self, through_graph=through_graph)
        for root in roots:
            walk.waiting.append(_Step(serial=root, until=until, distance=0, exit=None))
        return walk.finished()

    def behind_value(self, node: object, *, until: int) -> Walk:
        """What lies behind a Python value that an expression of the program gives."""
        walk = _Walking(self, through_graph=False)
        walk.leave_through(self.outside.exits_into(node, until=until), until=until, distance=0, line=0)
        return walk.finished()

    def writers(self, serial: int, *, until: int) -> list[Event]:
        """The calls that made or changed a tensor."""
        return [event for event in self._writers.get(serial, ()) if event.index < until]

    def entry_line(self, serial: int, *, until: int) -> int | None:
        """The line that made a tensor of which no call is on the tape, such as `torch.from_numpy(…)`."""
        for binding in self._view.tape.bindings:
            if binding.serial == serial:
                return binding.line
        for event in self._events[: until + 1]:
            if any(state.serial == serial for state in event.inputs):
                return event.line
        return None

    def repeated(self, until: int, *, line: int | None) -> list[Event]:
        """The calls of which, in a long loop, only the first passes are on the tape; those on a line, if there are any."""
        counted = [
            event
            for event in self._counted
            if event.index < until and event.outputs and not event.inplace and event.backward is None
            and not any(state.requires_grad for state in event.outputs)
        ]  # fmt: skip
        return [event for event in counted if event.line == line] or counted

    def is_update(self, cut: Cut) -> bool:
        """Whether a cut's result takes over the name of the leaf that went in, by a step along its gradient, or by one of
        any kind where nothing is recorded."""
        names = set(cut.given.names) & set(self._names_given(cut))
        reads = [event for event in self._view.grad_reads if event.inputs[0].serial == cut.given.serial]
        stepped = cut.kind == "no_grad" and short_name(cut.event.op) in _STEPS
        return bool(names) and cut.given.leaf and (stepped or any(read.index <= cut.event.index + 2 for read in reads))

    def _names_given(self, cut: Cut) -> Iterator[str]:
        for binding in self._view.tape.bindings:
            if binding.at > cut.event.index and binding.serial != cut.given.serial and binding.line == cut.event.line:
                yield binding.name
        for event in self._events[cut.event.index :]:
            for state in (*event.inputs, *event.outputs):
                if any(made.serial == state.serial for made in cut.event.outputs):
                    yield from state.names


@dataclass(frozen=True, kw_only=True)
class _Step:
    serial: int
    until: int
    distance: int
    exit: Event | None


class _Walking:
    """One walk, from its roots back."""

    def __init__(self, flow: Flow, *, through_graph: bool) -> None:
        self.flow = flow
        self.through_graph = through_graph
        self.waiting: list[_Step] = []
        self.cuts: dict[tuple[int, int], Cut] = {}
        self.sources: dict[int, TensorState] = {}
        self.seen: set[int] = set()

    def finished(self) -> Walk:
        """Walk to the end."""
        while self.waiting:
            step = self.waiting.pop(0)
            if step.serial not in self.seen:
                self.seen.add(step.serial)
                self._go(step)
        return Walk(cuts=tuple(self.cuts.values()), sources=tuple(self.sources.values()), passed=frozenset(self.seen))

    def leave_through(self, exits: Iterable[Event], *, until: int, distance: int, line: int) -> bool:
        """Go on behind the calls by which values left the tensors; whether there was one."""
        found = False
        for event in exits:
            found = True
            given = event.inputs[0]
            if given.requires_grad:
                kind = self.flow.outside.kind_of(event, entry_line=line)
                self._cut(Cut(kind=kind, event=event, given=given, distance=distance + 1, exit=event))
            else:
                self.waiting.append(
                    _Step(serial=given.serial, until=min(until, event.index), distance=distance + 1, exit=event)
                )
        return found

    def _go(self, step: _Step) -> None:
        writers = self.flow.writers(step.serial, until=step.until)
        givers = [event for event in writers if any(state.serial != step.serial for state in event.inputs)]
        for event in givers:
            self._through(event, step)
        if not givers:
            self._made_from_nothing(step, writers)

    def _through(self, event: Event, step: _Step) -> None:
        after = next((state for state in event.outputs if state.serial == step.serial), None)
        keeps_graph = after is not None and after.requires_grad and not after.leaf
        for given in event.inputs:
            if given.serial == step.serial:
                continue
            if given.requires_grad and not keeps_graph:
                self._cut(_made_cut(event, given, after or given, step))
            if not given.requires_grad or self.through_graph:
                self.waiting.append(replace(step, serial=given.serial, until=event.index, distance=step.distance + 1))

    def _made_from_nothing(self, step: _Step, writers: list[Event]) -> None:
        state = self.flow._view.tape.state_of(step.serial)
        line = writers[0].line if writers else self.flow.entry_line(step.serial, until=step.until)
        if line is not None:
            node = self.flow.outside.entry_on(line)
            exits = self.flow.outside.exits_into(node, until=step.until) if node is not None else ()
            if self.leave_through(exits, until=step.until, distance=step.distance, line=line):
                return
        if not writers and state is not None and not state.requires_grad and not state.parameter:
            for event in self.flow.repeated(step.until, line=line):
                self._through(event, step)
        if state is not None and not state.requires_grad:
            self.sources.setdefault(step.serial, state)

    def _cut(self, cut: Cut) -> None:
        key = (cut.event.index, cut.given.serial)
        self.cuts.setdefault(key, replace(cut, update=self.flow.is_update(cut)))


def _made_cut(event: Event, given: TensorState, made: TensorState, step: _Step) -> Cut:
    kind = _kind(event, made)
    leaving = step.exit is not None and (
        kind in _ON_THE_WAY_OUT
        or (kind == "no_grad" and not step.exit.grad_enabled and short_name(step.exit.op) in ("numpy", "__array__"))
    )
    if leaving and step.exit is not None:
        kind = EXITS[short_name(step.exit.op)]
    return Cut(kind=kind, event=event, given=given, distance=step.distance, exit=step.exit if leaving else None)


def _kind(event: Event, made: TensorState) -> str:
    name = short_name(event.op)
    whole = not made.dtype.startswith(("float", "bfloat", "complex"))
    match name:
        case _ if event.inference:
            return "inference"
        case _ if not event.grad_enabled:
            return "no_grad"
        case "detach" | "detach_":
            return "detach"
        case "data":
            return "data"
        case _ if name in _COPIES:
            return "copy"
        case _ if name in _CASTS and whole:
            return "integer"
        case _:
            return "nondifferentiable"
