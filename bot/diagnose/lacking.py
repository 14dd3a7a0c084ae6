"""Where a run lacks a graph: the differentiation that failed or went nowhere, and what cut the way behind it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from bot.diagnose.cutting import cut_names, guard
from bot.diagnose.flow import Cut, Flow, Walk
from bot.diagnose.roles import failed
from bot.diagnose.view import Found, View, receiver
from bot.domain.tape import Event, TensorState, short_name

_NO_GRAPH = "does not require grad"
_UNUSED = "not have been used in the graph"
_NO_BACKWARD = "has no attribute 'backward'"
#: Calls that are given what says which numbers are meant.
_SELECTING = ("__setitem__", "__getitem__", "index_put_", "masked_fill", "masked_fill_", "masked_select", "where")


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A differentiation that lacks its graph, and what lies behind its root."""

    line: int | None
    event: Event | None
    walk: Walk
    root: str | None = None
    serial: int | None = None
    wanted: frozenset[int] = frozenset()  #: the tensors whose gradient was asked for; empty: any


@dataclass(frozen=True, kw_only=True)
class Lack:
    """The first missing graph of a run."""

    kind: str
    shows: str
    found: Found


def lack_of(view: View) -> Lack | None:
    """What the run shows of a missing graph; found once for all entries."""
    if "lack" not in view.notes:
        view.notes["lack"] = _first_lack(view)
    return view.notes["lack"]  # type: ignore[no-any-return]


def result_of(view: View) -> Lack | None:
    """Of a run that differentiates nothing: the last result that lost the graph of what it was made from."""
    if view.backwards or view.run.error is not None:
        return None
    flow = Flow(view)
    for event in reversed(view.tape.events):
        cuts = any(state.requires_grad for state in event.inputs) and event.outputs and not event.error
        if not cuts or any(state.requires_grad for state in event.outputs):
            continue
        serial = event.outputs[0].serial
        if _selects(view, serial):
            continue
        walk = flow.behind([serial], until=len(view.tape.events))
        if walk.best is not None:
            root = view.ever_named(serial) or _text_on(view, event.line)
            return _as_lack(view, _Asked(line=event.line, event=event, walk=walk, root=root, serial=serial), "result")
    return None


def _selects(view: View, serial: int) -> bool:
    """Whether a result only says which numbers are meant, as in `x[x < 0] = 0`."""
    used = (event for event in view.tape.calls(*_SELECTING) if any(state.serial == serial for state in event.inputs))
    return view.ever_named(serial) is None and any(used)


def _text_on(view: View, line: int) -> str | None:
    """The outermost expression on a line."""
    node = next(view.nodes_on(line), None)
    return view.source(node) if node is not None else None


def _first_lack(view: View) -> Lack | None:
    flow = Flow(view)
    error = view.run.error
    failing = _failed(view, flow)
    if failing is not None:
        return _as_lack(view, failing, "error")
    if error is not None and "NoneType" not in error.message:
        return None
    for asked in _disguised(view, flow):
        return _as_lack(view, asked, "new_leaf")
    for asked in _unreached(view, flow):
        if error is None or asked.line == error.line:
            return _as_lack(view, asked, "grad_none" if error is None else "error")
    return None


def _as_lack(view: View, asked: _Asked, shows: str) -> Lack:
    kind, cut = _told(view, asked)
    return Lack(kind=kind, shows=shows, found=_found(view, asked, kind, cut))


def _failed(view: View, flow: Flow) -> _Asked | None:
    error = view.run.error
    if error is None:
        return None
    event = next((event for event in reversed(view.backwards) if event.error), None)
    if event is not None and event.backward is not None and _NO_GRAPH in error.message:
        rootless = [root for root in event.backward.roots if not _requires(root, event)]
        unready = [serial for serial in event.backward.inputs if not _requires(serial, event)]
        if "One of the differentiated" in error.message:
            rootless = unready
        walk = flow.behind(rootless, until=event.index)
        return _Asked(line=event.line, event=event, walk=walk, root=view.root_on(event.line), serial=_first(rootless))
    if "nference tensor" in error.message:
        return _spoilt(view, error.line)
    if event is not None and event.backward is not None and _UNUSED in error.message:
        walk = flow.behind(event.backward.roots, until=event.index, through_graph=True)
        wanted = frozenset(event.backward.inputs) - frozenset(event.backward.leaves)
        return _Asked(
            line=event.line, event=event, walk=walk, root=view.root_on(event.line),
            serial=_first(event.backward.roots), wanted=wanted,
        )  # fmt: skip
    if _NO_BACKWARD in error.message and error.line is not None:
        call = view.call_on(error.line, ("backward",))
        target = receiver(call) if call is not None else None
        walk = flow.behind_value(target, until=len(view.tape.events))
        if walk.cuts or walk.sources:
            return _Asked(line=error.line, event=None, walk=walk, root=view.source(target) if target else None)
    return None


def _spoilt(view: View, line: int | None) -> _Asked | None:
    """A call that refused a tensor made in inference mode."""
    call = failed(view)
    state = next((one for one in call.inputs if one.version == -1), None) if call is not None else None
    maker = view.tape.maker(state.serial) if state is not None else None
    if call is None or state is None or maker is None:
        return None
    cut = Cut(kind="inference", event=maker, given=state, distance=1)
    return _Asked(line=line, event=call, walk=Walk(cuts=(cut,), sources=()), serial=state.serial)


def _disguised(view: View, flow: Flow) -> Iterator[_Asked]:
    """Differentiations that start at a leaf which was computed, or reach such leaves alone: gradients end right there."""
    for event in view.backwards:
        roots = event.backward.roots if event.backward else ()
        leaves = event.backward.leaves if event.backward else ()
        if leaves and not event.error and set(leaves).isdisjoint(roots) and _steps_without(view, leaves):
            walks = [flow.behind([leaf], until=event.index) for leaf in leaves]
            if all(walk.best is not None and walk.best.kind == "copy" for walk in walks):
                yield _Asked(
                    line=event.line, event=event, walk=walks[0], root=view.root_on(event.line), serial=_first(roots)
                )
        for state in event.inputs[:1]:
            if state.serial in roots and state.leaf and state.requires_grad and not event.error:
                walk = flow.behind([state.serial], until=event.index)
                if walk.cuts or len(walk.passed) > 1:
                    yield _Asked(
                        line=event.line, event=event, walk=walk, root=view.root_on(event.line), serial=state.serial
                    )


def _steps_without(view: View, leaves: Collection[int]) -> bool:
    """Whether an optimizer steps, and nobody wants the gradients of these leaves: it holds none and no `.grad` is read."""
    held = {state.serial for event in view.tape.events if event.op in ("optimizer", "step") for state in event.inputs}
    read = {state.serial for event in view.grad_reads for state in event.inputs}
    return bool(held) and held.isdisjoint(leaves) and read.isdisjoint(leaves)


def _unreached(view: View, flow: Flow) -> Iterator[_Asked]:
    """Differentiations after which a leaf's `.grad` is read and is None, although its values went into the root."""
    for read in view.grad_reads:
        state = read.inputs[0]
        before = [event for event in view.backwards if event.index < read.index and not event.error]
        if read.outputs or not state.leaf or not before or _was_zeroed(view, state.serial, before[0].index, read.index):
            continue
        event = before[-1]
        assert event.backward is not None
        walk = flow.behind(event.backward.roots, until=event.index, through_graph=True)
        yield _Asked(
            line=read.line, event=event, walk=walk, root=view.root_on(event.line),
            serial=_first(event.backward.roots), wanted=frozenset({state.serial}),
        )  # fmt: skip


def _was_zeroed(view: View, serial: int, first: int, last: int) -> bool:
    return any(
        event.op == "zero_grad" and first < event.index < last and any(state.serial == serial for state in event.inputs)
        for event in view.tape.events
    ) or any(
        event.backward is not None and serial in event.backward.leaves and event.index < last
        for event in view.backwards
    )


def _told(view: View, asked: _Asked) -> tuple[str, Cut | None]:
    """What cut the graph, and where."""
    walk = asked.walk
    if asked.wanted:
        graph = view.tensors.graph
        behind = [
            cut
            for cut in walk.cuts
            if cut.given.serial in asked.wanted or graph.descends(cut.given.serial, asked.wanted)
        ]
        if not behind:
            source = next((state for state in walk.sources if state.serial in asked.wanted), None)
            return "unused" if source is None else "frozen" if source.parameter else "never", None
        walk = Walk(cuts=tuple(behind), sources=walk.sources, passed=walk.passed)
    cut = walk.best
    if cut is not None:
        return ("update" if cut.update else cut.kind), cut
    frozen = any(state.parameter for state in walk.sources)
    return ("frozen" if frozen else "never"), None


def _found(view: View, asked: _Asked, kind: str, cut: Cut | None) -> Found:
    names: dict[str, str] = {}
    serials: dict[str, int] = {}
    if asked.root:
        names["LOSS"] = asked.root
    if asked.serial is not None:
        serials["LOSS"] = asked.serial
    if cut is None:
        return _uncut(view, asked, kind, names, serials)
    names |= cut_names(view, cut)
    serials["X"] = cut.given.serial
    forbidding = guard(view, cut) if cut.kind in ("no_grad", "inference") else None
    if forbidding is not None:
        names["GUARD"] = forbidding[1]
    text = f"line {cut.line}: {short_name(cut.event.op)}() takes a tensor that requires grad; the result does not"
    return Found(
        text=text, line=cut.line, event=cut.event.index, names=names, serials=serials, error_line=asked.line,
        cause_line=forbidding[0] if forbidding is not None and kind != "update" else cut.line,
    )  # fmt: skip


def _uncut(view: View, asked: _Asked, kind: str, names: dict[str, str], serials: dict[str, int]) -> Found:
    """What to say where nothing was cut: $X is the tensor that should have required grad, $ALL all such."""
    wanted = _should_require(view, asked)
    for number, (name, serial) in enumerate(wanted.items()):
        key = "X" if number == 0 else f"X{number + 1}"
        names[key], serials[key] = name, serial
    names["ALL"] = ", ".join(wanted)
    if kind == "never" and _went_on_without(asked):
        names["ITSELF"] = names["ALL"]
    line = view.creation_line(serials["X"]) if "X" in serials else None
    if kind == "frozen":
        line = _freezing(view, asked) or line
    text = {
        "never": "nothing that the result was computed from required grad",
        "frozen": "every parameter that the result was computed from has requires_grad=False",
        "unused": "the result was not computed from this tensor",
    }[kind]
    if "ITSELF" in names:
        text = "the tensor itself did not require grad when the result was computed"
    return Found(
        text=text, line=asked.line, event=asked.event.index if asked.event else None, names=names, serials=serials,
        error_line=asked.line, cause_line=line or asked.line,
    )  # fmt: skip


def _went_on_without(asked: _Asked) -> bool:
    """Whether there is a graph, and only the tensor that the gradient was asked for stands outside of it."""
    roots = asked.event.backward.roots if asked.event is not None and asked.event.backward is not None else ()
    return bool(asked.wanted and roots) and all(_requires(root, asked.event) for root in roots if asked.event)


def _should_require(view: View, asked: _Asked) -> dict[str, int]:
    """The tensors without a graph whose gradient the program wants: `.grad` is read, an optimizer holds them, they were
    given to autograd.grad; else the only one that has a name."""
    if asked.wanted:
        named = {
            view.called(state) or _given_to(view, asked.line): state.serial for state in _states(view, asked.wanted)
        }
        return {name: serial for name, serial in named.items() if name}
    read = _read(view)
    held = {state.serial for event in view.tape.events if event.op == "optimizer" for state in event.inputs}
    held |= {state.serial for event in view.grad_reads for state in event.inputs}
    if asked.event is not None and asked.event.backward is not None:
        held |= set(asked.event.backward.inputs)
    sources = {view.called(state): state.serial for state in asked.walk.sources}
    sources.pop(None, None)
    wanted = {name: serial for name, serial in sources.items() if name in read or serial in held}
    chosen = wanted or (sources if len(sources) == 1 else {})
    return {name or "": serial for name, serial in sorted(chosen.items(), key=lambda one: one[1])}


def _read(view: View) -> set[str]:
    """The tensors whose `.grad` the program reads; a line `x.requires_grad` alone was meant to switch it on."""
    whole = [node.value for node in ast.walk(view.tree) if isinstance(node, ast.Expr)]
    flags = [node for node in whole if isinstance(node, ast.Attribute) and node.attr == "requires_grad"]
    grads = [node for node in ast.walk(view.tree) if isinstance(node, ast.Attribute) and node.attr == "grad"]
    return {view.source(node.value) for node in (*flags, *grads) if isinstance(node.value, (ast.Name, ast.Attribute))}


def _freezing(view: View, asked: _Asked) -> int | None:
    """The line that switched gradients of the parameters off."""
    frozen = {state.serial for state in asked.walk.sources if state.parameter}
    for event in view.tape.events:
        switches = event.op in ("Tensor.requires_grad.__set__", "Tensor.requires_grad_")
        if switches and event.inputs and event.inputs[0].serial in frozen:
            return event.line
    return None


def _given_to(view: View, line: int | None) -> str | None:
    """The text of the tensors that autograd.grad() was asked about on a line."""
    call = view.call_on(line, ("grad",)) if line is not None else None
    if call is None:
        return None
    named = [word.value for word in call.keywords if word.arg == "inputs"] + call.args[1:2]
    return view.source(named[0]) if named else None


def _states(view: View, serials: frozenset[int]) -> list[TensorState]:
    return [state for serial in sorted(serials) if (state := view.tape.state_of(serial)) is not None]


def _requires(serial: int, event: Event) -> bool:
    return any(state.serial == serial and state.requires_grad for state in event.inputs)


def _first(serials: Any) -> int | None:
    return next(iter(serials), None)
