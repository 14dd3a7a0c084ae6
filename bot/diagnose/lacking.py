"""Where a run lacks a graph: the differentiation that failed or went nowhere, and what cut the way behind it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.diagnose.asked import Asked, ended_at_new_leaf, failed_for_lack, left_none
from bot.diagnose.cutting import cut_names, guard
from bot.diagnose.flow import Cut, Flow, Walk
from bot.diagnose.uncut import found_uncut
from bot.diagnose.view import Found, View
from bot.domain.tape import short_name

#: Calls that are given what says which numbers are meant.
_SELECTING = ("__setitem__", "__getitem__", "index_put_", "masked_fill", "masked_fill_", "masked_select", "where")


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
            return _as_lack(view, Asked(line=event.line, event=event, walk=walk, root=root, serial=serial), "result")
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
    failing = failed_for_lack(view, flow)
    if failing is not None:
        return _as_lack(view, failing, "error")
    if error is not None and "NoneType" not in error.message:
        return None
    for asked in ended_at_new_leaf(view, flow):
        return _as_lack(view, asked, "new_leaf")
    for asked in left_none(view, flow):
        if error is None or asked.line == error.line:
            return _as_lack(view, asked, "grad_none" if error is None else "error")
    return None


def _as_lack(view: View, asked: Asked, shows: str) -> Lack:
    kind, cut = _told(view, asked)
    return Lack(kind=kind, shows=shows, found=_found(view, asked, kind, cut))


def _told(view: View, asked: Asked) -> tuple[str, Cut | None]:
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


def _found(view: View, asked: Asked, kind: str, cut: Cut | None) -> Found:
    names: dict[str, str] = {}
    serials: dict[str, int] = {}
    if asked.root:
        names["LOSS"] = asked.root
    if asked.serial is not None:
        serials["LOSS"] = asked.serial
    if cut is None:
        return found_uncut(view, asked, kind, names, serials)
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
