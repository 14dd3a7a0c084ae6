"""Mistakes that a program held all along, behind the line where it stopped: a repair brings them to light and is not their cause."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.diagnosis import Diagnosis
from bot.domain.run import Outcome, Run
from bot.domain.tape import Event
from bot.verify.edits import line_map, matcher


def stood_behind(second: Diagnosis, *, original: str, repaired: str, before: Run, after: Run) -> bool:
    """Whether the old run may have stopped before a mistake that only the repaired program shows: it stopped with an error,
    and what shows the mistake happened when the new run was past the place of that error."""
    error = before.error
    if before.outcome is not Outcome.RAISED or error is None or error.line is None or after.tape is None:
        return False
    past = _past(error.line, original, repaired, before, after.tape.events)
    return past is not None and _latest(second, after) >= past


def concerns_untouched(second: Diagnosis, *, original: str, repaired: str) -> bool:
    """Whether all lines that a mistake of a repaired program concerns stand in the original as well."""
    own = set(line_map(original, repaired).values())
    concerned = {line for line in (second.error_line, second.cause_line) if line is not None}
    return bool(concerned) and concerned <= own


def keeps_edit(*, original: str, repaired: str, again: str) -> bool:
    """Whether all that a repair wrote into a program still stands there when a second one has been made of it."""
    written = set(range(1, len(repaired.splitlines()) + 1)) - set(line_map(original, repaired).values())
    return written <= line_map(repaired, again).keys()


def in_original(second: Diagnosis, *, original: str, repaired: str) -> Diagnosis:
    """The diagnosis of a repaired program, with the numbers that its lines have in the original."""
    old = {new: number for number, new in line_map(original, repaired).items()}
    lines = (None if line is None else old.get(line) for line in (second.error_line, second.cause_line))
    error_line, cause_line = lines
    return replace(second, error_line=error_line, cause_line=cause_line, evidence=())


def _past(failing: int, original: str, repaired: str, before: Run, events: tuple[Event, ...]) -> int | None:
    """The event of the new run that stands where the old run stopped; None when the new run did not come so far."""
    places = _places_of(failing, original, repaired)
    calls = [event for event in (before.tape.events if before.tape else ()) if event.line == failing]
    kept = line_map(original, repaired).get(failing)
    there = [event.index for event in events if event.line in places]
    number = max(len(calls), 1) if kept is not None else 1
    return there[number - 1] if len(there) >= number else None


def _places_of(line: int, original: str, repaired: str) -> set[int]:
    """The lines of the repaired program that stand for one of the original."""
    for kind, start, end, new, new_end in matcher(original, repaired).get_opcodes():
        if start < line <= end:
            return {new + line - start} if kind == "equal" else set(range(new + 1, new_end + 1))
    return set()


def _latest(second: Diagnosis, after: Run) -> int:
    """The event at which a mistake had shown itself; an error shows at the end of its run."""
    if after.error is not None and after.tape is not None and second.error_line == after.error.line:
        return len(after.tape.events)
    return max((one.event for one in second.evidence if one.event is not None), default=-1)
