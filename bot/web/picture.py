"""The graph that a run built, as rows of boxes and lines between them: what autograd saw, and where it stopped.

Drawn from the tape's claims. The template writes it as SVG, with every text escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.tape import short_name

#: Larger graphs say less than the tape does.
MOST_BOXES = 24
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, EDGE = 132, 42, 20, 30, 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One tensor, at its place in the picture."""

    kind: str  #: "leaf", "inner" or "constant"
    title: str
    shape: str  #: "3×4"; empty for a single number
    x: int
    y: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """From a tensor to one that was computed from it."""

    x1: int
    y1: int
    x2: int
    y2: int
    cut: bool  #: no gradient flows along it


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Boxes and lines, and the size they need."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def picture(tape: Mapping[str, Any]) -> Picture | None:
    """The picture of a tape's tensors; None when there is nothing to see, or too much."""
    tensors, parents, made_by = _graph(tape.get("events") or ())
    if not 2 <= len(tensors) <= MOST_BOXES or not any(parents.values()):
        return None
    names = {final["state"]["serial"]: final["name"] for final in tape.get("finals") or ()}
    places = dict(_places(tensors, parents))
    boxes = tuple(
        _box(state, names.get(serial), made_by.get(serial), places[serial]) for serial, state in tensors.items()
    )
    lines = tuple(
        _line(places[parent], places[serial], cut=not tensors[serial]["requires_grad"])
        for serial, above in parents.items()
        for parent in above
    )
    return Picture(
        width=max(box.x for box in boxes) + BOX_WIDTH + EDGE,
        height=max(box.y for box in boxes) + BOX_HEIGHT + EDGE,
        boxes=boxes,
        lines=lines,
    )


Graph = tuple[dict[int, Mapping[str, Any]], dict[int, tuple[int, ...]], dict[int, str]]


def _graph(events: Sequence[Mapping[str, Any]]) -> Graph:
    """The tensors in the order they were met, what each was computed from, and by which operation."""
    tensors: dict[int, Mapping[str, Any]] = {}
    parents: dict[int, tuple[int, ...]] = {}
    made_by: dict[int, str] = {}
    for event in events:
        if ".grad." in event["op"] or event.get("error"):
            continue
        given = [state["serial"] for state in event.get("inputs") or ()]
        for state in (*(event.get("inputs") or ()), *(event.get("outputs") or ())):
            tensors[state["serial"]] = {
                **state,
                "names": state.get("names") or tensors.get(state["serial"], {}).get("names"),
            }
        for state in event.get("outputs") or ():
            serial = state["serial"]
            if serial not in parents and serial not in given:
                parents[serial] = tuple(dict.fromkeys(given))
                made_by[serial] = short_name(event["op"])
    return tensors, parents, made_by


def _places(
    tensors: Mapping[int, Mapping[str, Any]], parents: Mapping[int, tuple[int, ...]]
) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each tensor one row below the lowest it was computed from."""
    depth: dict[int, int] = {}
    filled: dict[int, int] = {}
    for serial in tensors:  # parents were met before their children
        row = max((depth.get(parent, 0) + 1 for parent in parents.get(serial, ())), default=0)
        depth[serial] = row
        column = filled.get(row, 0)
        filled[row] = column + 1
        yield serial, (EDGE + column * (BOX_WIDTH + GAP_X), EDGE + row * (BOX_HEIGHT + GAP_Y))


def _box(state: Mapping[str, Any], name: str | None, made_by: str | None, place: tuple[int, int]) -> Box:
    kind = "constant" if not state["requires_grad"] else "leaf" if state["leaf"] else "inner"
    known = name or " ".join(state.get("names") or ())
    shape = "×".join(map(str, state["shape"]))
    title = f"{known} = {made_by}" if known and made_by else known or made_by or f"#{state['serial']}"
    return Box(kind=kind, title=title[:18], shape=shape[:12], x=place[0], y=place[1])


def _line(above: tuple[int, int], below: tuple[int, int], *, cut: bool) -> Line:
    half = BOX_WIDTH // 2
    return Line(x1=above[0] + half, y1=above[1] + BOX_HEIGHT, x2=below[0] + half, y2=below[1], cut=cut)
