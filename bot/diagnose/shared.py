"""Two differentiations that go over the same part of a graph: why they meet, and at which name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from bot.diagnose.view import View
from bot.domain.tape import BackwardCall, Event, short_name

#: Operations whose state is a tuple of tensors.
_TUPLES = frozenset({"lstm", "lstm_cell"})


@dataclass(frozen=True)
class Meeting:
    """A later differentiation that walks nodes which an earlier one walked before."""

    earlier: Event
    later: Event
    kind: str  #: same_root, shared_part, forward_before_loop, carried_state, running_total, other_optimizer
    name: str | None = None  #: what handed the shared part over: the carried state, the output not detached
    made: int | None = None  #: the line that made it
    used: int | None = None  #: the line that used it again
    several: bool = False  #: it is a tuple of tensors
    forward: tuple[int, ...] = ()  #: the lines that made the shared part


def meetings(view: View, *, retained: bool) -> Iterator[Meeting]:
    """Each differentiation that meets an earlier one, with the last such; `retained`: the earlier kept its graph."""
    walked: dict[int, Event] = {}  # by whom each node was walked last
    for later in view.backwards:
        call = _call(later)
        met = [walked[node] for node in call.nodes if node in walked]
        if met:
            yield _meeting(view, max(met, key=lambda event: event.index), later)
        if call.retain_graph is retained and not later.error:
            walked.update(dict.fromkeys(call.nodes, later))


def updated_between(view: View, earlier: Event, later: Event) -> bool:
    """Whether a leaf that both reach was changed after the earlier call and before the later."""
    leaves = set(_call(earlier).leaves) & set(_call(later).leaves)
    return any(leaves & changed_by(event) for event in view.tape.events[earlier.index + 1 : later.index])


def changed_by(event: Event) -> set[int]:
    """The tensors whose numbers an event changes: a step's, a write's, an assignment to `.data`."""
    if event.op == "step":
        return {state.serial for state in event.inputs if state.grad == "set"}
    if event.op == "Tensor.data.__set__" and event.inputs:
        return {event.inputs[0].serial}
    return set(event.writes) if "grad" not in short_name(event.op) else set()


def _meeting(view: View, earlier: Event, later: Event) -> Meeting:
    one, other = _call(earlier), _call(later)
    shared = set(one.nodes) & set(other.nodes)
    same_root = bool(set(one.roots) & set(other.roots)) or max(one.nodes) in shared >= set(other.nodes)
    if earlier.line == later.line and earlier.index != later.index:
        kind = _again_at_the_same_line(earlier, later, shared)
        if kind == "same_line":
            kind = "same_root" if same_root else "shared_part"
    elif same_root:
        kind = "same_root"
    else:
        kind = "other_optimizer" if _side(view, earlier, later) is not None else "shared_part"
    match kind:
        case "carried_state" | "running_total":
            return _handed(view, earlier, later, kind, shared, set(other.nodes))
        case "other_optimizer":
            walker = earlier if _side(view, earlier, later) == "earlier" else later
            return _handed(view, earlier, later, kind, shared, set(_call(walker).nodes))
    lines = {line for place in _places(one, shared, full=True) for line in place}
    return Meeting(earlier, later, kind, forward=tuple(sorted(lines)))


def _call(event: Event) -> BackwardCall:
    assert event.backward is not None, "only differentiations meet"
    return event.backward


def _again_at_the_same_line(earlier: Event, later: Event, shared: set[int]) -> str:
    """One statement, run twice: the shared part was computed once before, or is carried from pass to pass."""
    one, other = _call(earlier), _call(later)
    full = earlier.place == later.place
    new = set(_places(other, {node for node in other.nodes if node > max(one.nodes)}, full=full))
    if not new & set(_places(other, shared, full=full)):
        return "forward_before_loop" if full else "same_line"
    return "running_total" if max(one.nodes) in shared else "carried_state"


def _places(call: BackwardCall, nodes: set[int], *, full: bool) -> Iterator[tuple[int, ...]]:
    for node, place in zip(call.nodes, call.places, strict=False):
        if node in nodes and place:
            yield place if full else place[-1:]


def _side(view: View, earlier: Event, later: Event) -> str | None:
    """Which of two calls, each made for an optimizer of its own, goes into what the other optimizer holds."""
    held = [frozenset(state.serial for state in event.inputs) for event in view.tape.events if event.op == "optimizer"]
    if len(held) < 2:
        return None
    both = set(_call(earlier).leaves) & set(_call(later).leaves)
    for name, event in (("earlier", earlier), ("later", later)):
        own = _optimizer_of(view, event)
        others = frozenset().union(*(group for group in held if group != own)) if own is not None else frozenset()
        if own is not None and (both - own) & others:
            return name
    return None


def _optimizer_of(view: View, event: Event) -> frozenset[int] | None:
    """What the optimizer holds for which a backward is made: the one that zeroes right before it or steps right after."""
    before = view.tape.events[: event.index][::-1]
    after = view.tape.events[event.index + 1 :]
    for events, op in ((before, "zero_grad"), (after, "step")):
        for other in events:
            if other.backward is not None:
                break
            if other.op == op:
                return frozenset(state.serial for state in other.inputs)
    return None


def _handed(view: View, earlier: Event, later: Event, kind: str, shared: set[int], walked: set[int]) -> Meeting:
    """The tensor at the border of the shared part, by the name under which the asker's code hands it over."""
    walked_before = set(_places(_call(earlier), shared, full=True))
    makers = {
        state.serial: event
        for event in view.tape.events[: later.index]
        for state in event.outputs
        if event.node in shared or (event.index < earlier.index and event.node and event.place in walked_before)
    }
    for event in view.tape.events:
        if event.index > later.index or event.node is None or event.node in shared or event.node not in walked:
            continue
        for state in event.inputs:
            maker = makers.get(state.serial)
            found = handed_over(view, maker, event) if maker is not None and maker.index < event.index else None
            if found is not None:
                name, made, used = found
                several = short_name(event.op) in _TUPLES
                return Meeting(earlier, later, kind, name, made, used, several)
    return Meeting(earlier, later, kind)


def handed_over(view: View, maker: Event, user: Event) -> tuple[str, int, int] | None:
    """The name by which one call's result came to another, with the lines that assign and read it, in one frame."""
    depth = 0
    while depth < min(len(maker.place), len(user.place)) - 1 and maker.place[depth] == user.place[depth]:
        depth += 1
    for level in range(depth, -1, -1):
        made, used = maker.place[level], user.place[level]
        assigned, read = stored_on(view, made), loaded_on(view, used)
        common = [name for name in assigned if name in read]
        if common:
            return common[0], made, used
    return None


def stored_on(view: View, line: int) -> list[str]:
    """The names and attributes that the statement at a line assigns."""
    statement = statement_at(view, line)
    targets: list[ast.expr] = []
    match statement:
        case ast.Assign(targets=given):
            targets = given
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            targets = [target]
    parts = [part for target in targets for part in ast.walk(target) if isinstance(part, (ast.Name, ast.Attribute))]
    return [ast.unparse(part) for part in parts if isinstance(part.ctx, ast.Store)]


def loaded_on(view: View, line: int) -> set[str]:
    """The names and attributes that the statement at a line reads."""
    statement = statement_at(view, line)
    if statement is None:
        return set()
    loads = {
        ast.unparse(part)
        for part in ast.walk(statement)
        if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(part.ctx, ast.Load)
    }
    return loads | set(stored_on(view, line)) if isinstance(statement, ast.AugAssign) else loads


def statement_at(view: View, line: int) -> ast.stmt | None:
    """The innermost simple statement that touches a line."""
    found = None
    for node in ast.walk(view.tree):
        inside = isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        if inside and (found is None or node.lineno >= found.lineno):  # type: ignore[attr-defined]
            found = node
    return found  # type: ignore[return-value]
