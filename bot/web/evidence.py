"""A draft's stored record as a moderator reads it, in the moderator's language: the program with what each line
did, the tape, the proof.

Records made by older versions may lack parts; what is missing is left out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.draft import Draft
from bot.domain.post import Language
from bot.domain.tape import short_name
from bot.web import code, words
from bot.web.code import DiffRow, Mark, Row
from bot.web.picture import Picture, picture
from bot.web.sentences import each_in_language, in_language

PARTS = ("error_gone", "confusion_gone", "values_kept", "gradient", "minimal")
#: Evidence of these words is what torch itself said.
QUOTED = ("message", "warns", "breaks_on_none")
_MOST_TEXT = 4000

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """One run."""

    outcome: str
    error: str | None
    line: int | None
    reason: str
    rows: list[Row]
    loose: list[Mark]  #: what is tied to no line
    tape: list[TapeRow]
    tape_cut: bool
    tape_trusted: bool
    tensors: list[TensorRow]
    torch: str
    seconds: float
    layers: str
    passes: str
    stderr: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TapeRow:
    """One torch call."""

    index: int
    line: int
    op: str
    given: str
    made: str
    error: str
    times: int
    grad_enabled: bool
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorRow:
    """A tensor that a name holds when the run ends."""

    name: str
    shape: str
    dtype: str
    leaf: bool
    requires_grad: bool
    grad_fn: str
    value: str
    grad: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRow:
    """One part of a proof."""

    name: str
    state: str
    why: str
    numbers: list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceView:
    """Everything about one draft that its page shows."""

    reason: str
    assumptions: list[Record]
    before: RunView | None
    after: RunView | None
    seen: list[Record]  #: what the diagnosis rests on: word, text, line
    ran: bool
    reported: Record | None
    same_error: bool | None
    fix: str
    why: str
    changes: list[DiffRow]
    checks: list[CheckRow]
    holds: bool
    trusted: bool
    also: list[str]
    thread: list[Record]
    picture: Picture | None
    seconds: float


def view(draft: Draft, language: Language = Language.ENGLISH) -> EvidenceView:
    """The evidence of a draft, said in this language."""
    record: Record = json.loads(draft.record)
    extra: Record = record.get("evidence") or {}
    diagnosis: Record = extra.get("diagnosis") or {}
    snippet: Record = record.get("snippet") or {}
    repair: Record = record.get("repair") or {}
    proof: Record = extra.get("proof") or {}
    program, mended = str(snippet.get("code") or ""), str(repair.get("code") or "")
    before, after = _seen(record, extra, "before"), _seen(record, extra, "after")
    blamed = {line for line in (diagnosis.get("error_line"), diagnosis.get("cause_line")) if line}
    checks = list(_checks(record.get("proof") or {}, language))
    seen = [one if one.get("word") in QUOTED else _said(one, language) for one in diagnosis.get("evidence") or ()]
    assumptions = [_said(one, language) for one in _assumptions(extra, snippet)]
    # A line of the post itself needs no word about where it comes from.
    origins = [
        ""
        if (source := str(origin.get("source") or "")) == f"post {draft.post_number}"
        else in_language(source, language)
        for origin in extra.get("origins") or ()
    ]
    marks = _line_marks(assumptions, seen)
    return EvidenceView(
        reason=str(record.get("reason") or ""),
        assumptions=assumptions,
        before=None if before is None else _run(before, program, origins, blamed, marks, language),
        after=None if after is None else _run(after, mended, (), set(), {}, language),
        seen=seen,
        ran=bool(diagnosis.get("ran", before is not None)),
        reported=record.get("reported_error"),
        same_error=record.get("same_error"),
        fix=str(repair.get("fix") or ""),
        why=in_language(str((extra.get("repair") or {}).get("why") or ""), language),
        changes=code.diff(program, mended) if mended else [],
        checks=checks,
        holds=bool(proof.get("holds", bool(checks) and all(check.state != "no" for check in checks))),
        trusted=bool(proof.get("trusted", True)),
        also=[str(name) for name in record.get("also") or ()],
        thread=list(extra.get("thread") or ()),
        picture=picture((before or {}).get("tape") or {}),
        seconds=float(record.get("seconds") or 0.0),
    )


def _seen(record: Record, extra: Record, name: str) -> Record | None:
    """A run with all that is kept of it."""
    run = record.get(name)
    return None if run is None else {**(extra.get(name) or {}), **run}


def _assumptions(extra: Record, snippet: Record) -> Iterator[Record]:
    if kept := extra.get("assumptions"):
        yield from kept
        return
    yield from ({"kind": "", "text": text, "line": None} for text in snippet.get("assumptions") or ())


def _said(one: Record, language: Language) -> Record:
    return {**one, "text": in_language(str(one["text"]), language)}


def _line_marks(assumptions: Sequence[Record], seen: Sequence[Record]) -> dict[int, list[Mark]]:
    marks: dict[int, list[Mark]] = defaultdict(list)
    for one in assumptions:
        if one.get("line"):
            marks[one["line"]].append(Mark(kind="assumption", text=one["text"]))
    for one in seen:
        if one.get("line") and one.get("word") not in ("raises", "message", "warns"):
            marks[one["line"]].append(Mark(kind="evidence", text=one["text"]))
    return marks


def _run(
    run: Record,
    program: str,
    origins: Sequence[str],
    blamed: set[int],
    known: Mapping[int, list[Mark]],
    language: Language,
) -> RunView:
    marks, loose = _marks(run, known)
    facts: Record = run.get("facts") or {}
    tape: Record = run.get("tape") or {}
    error = run.get("error")
    return RunView(
        outcome=str(run.get("outcome") or ""),
        error=error and code.visible(f"{error['type']}: {error['message']}"),
        line=error and error.get("line"),
        reason=in_language(str(run.get("reason") or ""), language),
        rows=list(_rows(program, origins, blamed, marks)),
        loose=loose,
        tape=[_tape_row(event, language) for event in tape.get("events") or ()],
        tape_cut=bool(tape.get("cut")),
        tape_trusted=bool(tape.get("trusted", True)),
        tensors=[_tensor_row(final) for final in tape.get("finals") or ()],
        torch=str(run.get("torch_version") or ""),
        seconds=float(run.get("seconds") or 0.0),
        layers=", ".join(map(str, facts.get("layers") or ())),
        passes=each_in_language(str(run.get("passes") or ""), language, between="; "),
        stderr=_cut(str(run.get("stderr") or "")),
    )


def _marks(run: Record, known: Mapping[int, list[Mark]]) -> tuple[dict[int, list[Mark]], list[Mark]]:
    """What happened at each line, and what is tied to no line."""
    at: dict[int | None, list[Mark]] = defaultdict(list)
    for line, marks in known.items():
        at[line] += [mark for mark in marks if mark.kind == "assumption"]
    for kind, name, text in (
        ("print", "prints", "text"),
        ("echo", "echoes", "text"),
        ("warning", "warnings", "message"),
    ):
        for one in run.get(name) or ():
            at[one.get("line")].append(Mark(kind=kind, text=_cut(str(one[text]).rstrip("\n"))))
    if error := run.get("error"):
        at[error.get("line")].append(Mark(kind="error", text=_cut(f"{error['type']}: {error['message']}")))
    for line, marks in known.items():
        at[line] += [mark for mark in marks if mark.kind == "evidence"]
    loose = at.pop(None, [])
    if run.get("stdout") and not run.get("prints"):
        loose.append(Mark(kind="print", text=_cut(str(run["stdout"]))))
    return {line: marks for line, marks in at.items() if line is not None}, loose


def _rows(program: str, origins: Sequence[str], blamed: set[int], marks: Mapping[int, list[Mark]]) -> Iterator[Row]:
    if not program:
        return
    for number, html in enumerate(code.lines(program), start=1):
        yield Row(
            number=number,
            html=html,
            origin=origins[number - 1] if number <= len(origins) else "",
            marks=tuple(marks.get(number, ())),
            blamed=number in blamed,
        )


def _tape_row(event: Record, language: Language) -> TapeRow:
    leaves = (event.get("backward") or {}).get("leaves")
    notes = (
        event.get("note") or "",
        words.say(language, "tape.in_place") if event.get("inplace") else "",
        words.say(language, "tape.reaches", number=len(leaves)) if leaves is not None else "",
    )
    return TapeRow(
        index=event["index"],
        line=event["line"],
        op=short_name(event["op"]),
        given=", ".join(_tensor(state, language) for state in event.get("inputs") or ()),
        made=", ".join(_tensor(state, language) for state in event.get("outputs") or ()),
        error=str(event.get("error") or ""),
        times=int(event.get("times") or 1),
        grad_enabled=bool(event.get("grad_enabled", True)),
        note=" · ".join(note for note in notes if note),
    )


def _tensor(state: Record, language: Language) -> str:
    """A tensor in a few words: "y #2 (4,) MulBackward0"."""
    name = " ".join(state.get("names") or ()) or "–"
    kind = state.get("grad_fn") or words.say(language, "tape.leaf" if state.get("requires_grad") else "tape.constant")
    return f"{name} #{state['serial']} {_shape(state)} {kind}"


def _tensor_row(final: Record) -> TensorRow:
    state = final["state"]
    return TensorRow(
        name=final["name"],
        shape=_shape(state),
        dtype=str(state["dtype"]),
        leaf=bool(state["leaf"]),
        requires_grad=bool(state["requires_grad"]),
        grad_fn=str(state.get("grad_fn") or ""),
        value=_cut(str(final.get("value") or "")),
        grad=_cut(str(final.get("grad") or "")),
    )


def _shape(state: Record) -> str:
    return "(" + ", ".join(map(str, state["shape"])) + ("," if len(state["shape"]) == 1 else "") + ")"


def _checks(proof: Record, language: Language) -> Iterator[CheckRow]:
    named = words.catalogue(language)
    for name in PARTS:
        if check := proof.get(name):
            numbers: Record = check.get("numbers") or {}
            yield CheckRow(
                name=name,
                state=str(check["state"]),
                why=in_language(str(check.get("why") or ""), language),
                numbers=[(named.get(f"number.{key}", key), _number(value)) for key, value in numbers.items()],
            )


def _number(value: Any) -> str:
    match value:
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            return ", ".join(map(_number, value))
        case dict():
            return ", ".join(f"{key} {_number(one)}" for key, one in value.items())
        case _:
            return str(value)


def _cut(text: str) -> str:
    text = code.visible(text)
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "…"
