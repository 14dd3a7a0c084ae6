"""The differentiations of a run that lack their graph: those that failed, those that went nowhere."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bot.diagnose.flow import Cut, Flow, Walk
from bot.diagnose.roles import failed
from bot.diagnose.shared import statement_at
from bot.diagnose.view import View, receiver
from bot.domain.tape import Event

_NO_GRAPH = "does not require grad"
_UNUSED = "not have been used in the graph"
_NO_BACKWARD = "has no attribute 'backward'"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A differentiation that lacks its graph, and what lies behind its root."""

    line: int | None
    event: Event | None
    walk: Walk
    root: str | None = None
    serial: int | None = None
    wanted: frozenset[int] = frozenset()  #: the tensors whose gradient was asked for; empty: any


def failed_for_lack(view: View, flow: Flow) -> Asked | None:
    """The differentiation that failed because there is no graph, or not the one it needs."""
    error = view.run.error
    if error is None:
        return None
    event = next((event for event in reversed(view.backwards) if event.error), None)
    if event is not None and event.backward is not None and _NO_GRAPH in error.message:
        rootless = [root for root in event.backward.roots if not requires(root, event)]
        unready = [serial for serial in event.backward.inputs if not requires(serial, event)]
        if "One of the differentiated" in error.message:
            rootless = unready
        walk = flow.behind(rootless, until=event.index)
        return Asked(line=event.line, event=event, walk=walk, root=view.root_on(event.line), serial=_first(rootless))
    if "nference tensor" in error.message:
        return _spoilt(view, error.line)
    if event is not None and event.backward is not None and _UNUSED in error.message:
        walk = flow.behind(event.backward.roots, until=event.index, through_graph=True)
        wanted = frozenset(event.backward.inputs) - frozenset(event.backward.leaves)
        return Asked(
            line=event.line, event=event, walk=walk, root=view.root_on(event.line),
            serial=_first(event.backward.roots), wanted=wanted,
        )  # fmt: skip
    if _NO_BACKWARD in error.message and error.line is not None:
        call = view.call_on(error.line, ("backward",))
        target = receiver(call) if call is not None else None
        walk = flow.behind_value(target, until=len(view.tape.events))
        if walk.cuts or walk.sources:
            return Asked(line=error.line, event=None, walk=walk, root=view.source(target) if target else None)
    return None


def _spoilt(view: View, line: int | None) -> Asked | None:
    """A call that refused a tensor made in inference mode."""
    call = failed(view)
    state = next((one for one in call.inputs if one.version == -1), None) if call is not None else None
    maker = view.tape.maker(state.serial) if state is not None else None
    if call is None or state is None or maker is None:
        return None
    cut = Cut(kind="inference", event=maker, given=state, distance=1)
    return Asked(line=line, event=call, walk=Walk(cuts=(cut,), sources=()), serial=state.serial)


def ended_at_new_leaf(view: View, flow: Flow) -> Iterator[Asked]:
    """Differentiations that start at a leaf which was computed, or reach such leaves alone: gradients end right there."""
    for event in view.backwards:
        roots = event.backward.roots if event.backward else ()
        leaves = event.backward.leaves if event.backward else ()
        if leaves and not event.error and set(leaves).isdisjoint(roots) and _steps_without(view, leaves):
            walks = [flow.behind([leaf], until=event.index) for leaf in leaves]
            if all(walk.best is not None and walk.best.kind == "copy" for walk in walks):
                yield Asked(
                    line=event.line, event=event, walk=walks[0], root=view.root_on(event.line), serial=_first(roots)
                )
        for state in event.inputs[:1]:
            if state.serial in roots and state.leaf and state.requires_grad and not event.error:
                walk = flow.behind([state.serial], until=event.index)
                if walk.cuts or len(walk.passed) > 1:
                    yield Asked(
                        line=event.line, event=event, walk=walk, root=view.root_on(event.line), serial=state.serial
                    )


def _steps_without(view: View, leaves: Collection[int]) -> bool:
    """Whether an optimizer steps, and nobody wants the gradients of these leaves: it holds none and no `.grad` is read."""
    held = {state.serial for event in view.tape.events if event.op in ("optimizer", "step") for state in event.inputs}
    read = {state.serial for event in view.grad_reads for state in event.inputs}
    return bool(held) and held.isdisjoint(leaves) and read.isdisjoint(leaves)


def left_none(view: View, flow: Flow) -> Iterator[Asked]:
    """Differentiations after which a leaf's `.grad` is read and is None, although its values went into the root."""
    for read in view.grad_reads:
        state = read.inputs[0]
        before = [event for event in view.backwards if event.index < read.index and not event.error]
        if read.outputs or not state.leaf or not before or _was_reached(view, state.serial, read.index):
            continue
        if isinstance(statement_at(view, read.line), ast.Assert):
            continue  # it is meant to be None
        event = before[-1]
        assert event.backward is not None
        walk = flow.behind(event.backward.roots, until=event.index, through_graph=True)
        yield Asked(
            line=read.line, event=event, walk=walk, root=view.root_on(event.line),
            serial=_first(event.backward.roots), wanted=frozenset({state.serial}),
        )  # fmt: skip


def _was_reached(view: View, serial: int, last: int) -> bool:
    """Whether a differentiation gave a leaf a gradient before an event, so that somebody took it away again."""
    return any(
        event.backward is not None and serial in event.backward.leaves and event.index < last
        for event in view.backwards
    )


def requires(serial: int, event: Event) -> bool:
    """Whether a differentiation was given this tensor as one that requires grad."""
    return any(state.serial == serial and state.requires_grad for state in event.inputs)


def _first(serials: Iterable[int]) -> int | None:
    """The first of them, if there is one."""
    return next(iter(serials), None)
