"""Graphs that are walked twice: freed after the first time, or kept and then out of date."""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import Any

from bot.diagnose.roles import root_of
from bot.diagnose.shared import Meeting, handed_over, meetings, statement_at, updated_between
from bot.diagnose.view import BACKWARD, Found, View
from bot.diagnose.vocabulary import listed, word
from bot.domain.tape import Event

#: So many times in a row a graph must have grown to be one that always does.
_LONGER_AND_LONGER = 2


@word
def second_backward(view: View, value: Any) -> Found | None:
    """How a failing differentiation meets an earlier one that freed the graph: same_root (the same tensor again),
    shared_part (another root over a common part), forward_before_loop (the statement runs again, the forward does not),
    carried_state (a result is carried from pass to pass), running_total (the root itself is added to in every pass),
    other_optimizer (one side of two optimizers should have been detached). $LOSS is the later root, $FORWARD the lines of
    the common part, $H what is carried or not detached; the earlier call is the cause line."""
    for meeting in meetings(view, retained=False):
        if meeting.kind in listed(value) and (meeting.later.error or view.run.error is None):
            return _found(view, meeting)
    return None


@word
def retained(view: View, value: Any) -> Found | None:
    """As `second_backward`, but the earlier call kept its graph (`retain_graph=True`), and the numbers that the graph
    was computed from were changed between the two. $LOSS and $H as there; the call that keeps the graph is the cause
    line."""
    for meeting in meetings(view, retained=True):
        if meeting.kind in listed(value) and updated_between(view, meeting.earlier, meeting.later):
            return _found(view, meeting)
    return None


@word
def regrows(view: View, value: Any) -> Found | None:
    """As `retained`, whether or not numbers were changed in between: the graph that is kept and walked again gets longer
    with every pass, as something is carried over with its history: carried_state, running_total."""
    grown: dict[int, int] = {}
    for meeting in meetings(view, retained=True):
        walked = [len(event.backward.nodes) for event in (meeting.earlier, meeting.later) if event.backward]
        if meeting.kind in listed(value) and walked[0] < walked[-1]:
            grown[meeting.later.line] = grown.get(meeting.later.line, 0) + 1
            if grown[meeting.later.line] >= _LONGER_AND_LONGER:
                return _found(view, meeting)
    return None


@word
def keeps_graph(view: View, value: Any) -> Found | None:
    """true: a running total, `total += loss`, or a list of losses keeps the graph of every pass, while each loss is
    differentiated by itself and the total never is. $TOTAL is the total, $LOSS what is added; that line is the cause
    line."""
    found = _running_total(view) or _list_of_losses(view)
    return found if bool(value) == (found is not None) else None


def _found(view: View, meeting: Meeting) -> Found:
    call = view.call_on(meeting.later.line, BACKWARD)
    names, serials = root_of(view, call, meeting.later) if call is not None else ({}, {})
    if meeting.forward:
        names |= {"FORWARD": f"lines {' '.join(map(str, meeting.forward))}"}
    if meeting.name is not None:
        names |= {"H": meeting.name}
        if meeting.several:
            names |= {"TUPLE": meeting.name}
        used = statement_at(view, meeting.used or 0)
        if used is not None:
            names |= {"USE": view.code.splitlines()[used.lineno - 1].strip()}
    cause = meeting.earlier.line
    if meeting.kind == "running_total" and meeting.name is not None:
        names |= {"TOTAL": meeting.name}
        cause = meeting.used or cause
    return Found(
        text=f"line {meeting.later.line} goes back over what line {meeting.earlier.line} already went over",
        line=meeting.later.line, event=meeting.later.index, names=names, serials=serials,
        error_line=meeting.later.line, cause_line=cause,
    )  # fmt: skip


def _running_total(view: View) -> Found | None:
    differentiated = {root: event for event in view.backwards if event.backward for root in event.backward.roots}
    used = set(differentiated) | set(view.tensors.graph.ancestors(differentiated))
    sums: dict[int, list[Event]] = {}
    for event in view.tape.calls("add", "add_", "__iadd__", "__add__"):
        if event.outputs and event.outputs[0].requires_grad and event.outputs[0].serial not in used:
            sums.setdefault(event.line, []).append(event)
    for line, events in sums.items():
        for first, later in pairwise(events):
            carried = {state.serial for state in later.inputs} & {state.serial for state in first.outputs}
            added = [state for state in later.inputs if state.serial in differentiated]
            if carried and added:
                return _total(view, line, later, added[0].names)
    return None


def _total(view: View, line: int, event: Event, names: tuple[str, ...]) -> Found:
    found = handed_over(view, event, event)
    total = found[0] if found else "the total"
    loss = next((name for name in names if name != total), None)
    return Found(
        text=f"`{total}` keeps the graph of every pass", line=line, event=event.index, cause_line=line,
        names={"TOTAL": total} | ({"LOSS": loss} if loss else {}),
    )  # fmt: skip


def _list_of_losses(view: View) -> Found | None:
    roots = {name for event in view.backwards for state in event.inputs for name in state.names}
    for node in ast.walk(view.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=kept, attr="append"), args=[ast.Name(id=name)]) if name in roots:
                return Found(
                    text=f"`{ast.unparse(kept)}` keeps the graph of every pass", line=node.lineno,
                    cause_line=node.lineno, names={"TOTAL": ast.unparse(kept), "LOSS": name},
                )  # fmt: skip
    return None
