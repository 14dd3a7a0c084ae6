"""Counts over marked answers, and the record that a run of `evaluate` leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from bot.evaluate.corpus import Families
from bot.evaluate.marking import Mark, Marked

#: How many of the worst answers are shown.
WORST = 10
SILENCE = "silence"


def report(marks: Sequence[Marked], families: Families, *, corpus: str, entries: frozenset[str]) -> dict[str, Any]:
    """The record of a run: its keys are a promise to other programs. Shares are None where nothing was counted.

    `entries` are the names that have an entry. Everything but `seconds` is the same for the same answers.
    """
    answers = [_line(one) for one in marks]
    return {
        "corpus": corpus,
        "posts": len(marks),
        "in_scope": sum(one.mark.in_scope for one in marks),
        "negatives": sum(one.mark in (Mark.FALSE_ALARM, Mark.SILENT) for one in marks),
        "without_entry": sum(_has_no_entry(one, families, entries) for one in marks),
        "tables": tables_of(answers),
        "families": _by_family(marks, families),
        "names": _by_name(marks, families),
        "matrix": _matrix(marks, families),
        "runnable": _reproduction(marks),
        "repairs": _repairs(marks),
        "silence": dict(Counter(one.reason for one in marks if one.drafted is None).most_common()),
        "worst": [_line(one) for one in worst(marks)],
        "answers": answers,
        "seconds": _seconds([one.seconds for one in marks]),
    }


def worst(marks: Iterable[Marked]) -> list[Marked]:
    """The answers that do most harm: drafts about the wrong thing, the surest first, then what was missed."""
    harm = {Mark.FALSE_ALARM: 0, Mark.WRONG: 0, Mark.MISSED: 1, Mark.FAMILY: 2}
    bad = [one for one in marks if one.mark in harm]
    return sorted(bad, key=lambda one: (harm[one.mark], -one.ran, -one.confidence, one.id))[:WORST]


def share(part: int, whole: int) -> float | None:
    """A share rounded to four digits; None of nothing."""
    return round(part / whole, 4) if whole else None


def tables_of(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures over lines of a record's `answers`: of posts whose code ran, of the others, of all."""
    ran = [one for one in answers if one["ran"]]
    text_only = [one for one in answers if not one["ran"]]
    return {"ran": _figures(ran), "text_only": _figures(text_only), "all": _figures(answers)}


def _figures(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    marks = [Mark(one["mark"]) for one in answers]
    count = Counter(marks)
    drafts = sum(mark.drafted for mark in marks)
    wanted = sum(mark.in_scope for mark in marks)
    negatives = count[Mark.FALSE_ALARM] + count[Mark.SILENT]
    right, family = count[Mark.RIGHT], count[Mark.RIGHT] + count[Mark.FAMILY]
    return {
        "posts": len(answers),
        "drafts": drafts,
        "in_scope": wanted,
        "negatives": negatives,
        "marks": {mark.value: count[mark] for mark in Mark},
        "precision": share(right, drafts),
        "family_precision": share(family, drafts),
        "recall": share(right, wanted),
        "family_recall": share(family, wanted),
        "false_alarms": share(count[Mark.FALSE_ALARM], negatives),
        "abstention": share(sum(one["drafted"] is None for one in answers), len(answers)),
    }


def _by_name(marks: Sequence[Marked], families: Families) -> list[dict[str, Any]]:
    """One row for each name that was a label or was drafted.

    A post with several labels counts for the recall of each of them, as found when any of them was drafted.
    """
    rows = []
    for name in families.by_name:
        drafts = [one for one in marks if one.drafted == name and one.mark.drafted]
        labelled = [one for one in marks if name in one.labels and one.mark.in_scope]
        if drafts or labelled:
            right = sum(one.mark is Mark.RIGHT for one in drafts)
            found = sum(one.mark is Mark.RIGHT for one in labelled)
            rows.append(_row(name, right, len(drafts), found, len(labelled)) | {"family": families.of(name)})
    return rows


def _by_family(marks: Sequence[Marked], families: Families) -> list[dict[str, Any]]:
    rows = []
    for family in families.names:
        drafts = [one for one in marks if one.drafted and one.mark.drafted and families.of(one.drafted) == family]
        labelled = [one for one in marks if one.mark.in_scope and family in {families.of(name) for name in one.labels}]
        if drafts or labelled:
            right = sum(one.mark.good for one in drafts)
            found = sum(one.mark.good for one in labelled)
            rows.append(_row(family, right, len(drafts), found, len(labelled)))
    return rows


def _row(name: str, right: int, drafts: int, found: int, labelled: int) -> dict[str, Any]:
    return {
        "name": name,
        "drafts": drafts,
        "right": right,
        "precision": share(right, drafts),
        "labelled": labelled,
        "found": found,
        "recall": share(found, labelled),
    }


def _matrix(marks: Sequence[Marked], families: Families) -> dict[str, Any]:
    """How often a post of one family (row) was answered as one of another (column)."""
    pairs: Counter[tuple[str, str]] = Counter()
    for one in marks:
        if one.mark is not Mark.NEITHER:
            drafted = families.of(one.drafted) if one.drafted else SILENCE
            pairs[_labelled_as(one, drafted, families), drafted] += 1
    used = {name for pair in pairs for name in pair}
    names = [*(family for family in families.names if family in used), *([SILENCE] if SILENCE in used else [])]
    return {"names": names, "counts": [[pairs[row, column] for column in names] for row in names]}


def _labelled_as(one: Marked, drafted: str, families: Families) -> str:
    """The family of a post's labels; of several, the one that was drafted, else the first."""
    wanted = [families.of(name) for name in one.labels if name not in families.silent]
    if not wanted:
        return SILENCE
    return drafted if drafted in wanted else next(family for family in families.names if family in wanted)


def _has_no_entry(one: Marked, families: Families, entries: frozenset[str]) -> bool:
    wanted = set(one.labels) - families.silent
    return bool(wanted) and not wanted & entries


def _reproduction(marks: Sequence[Marked]) -> dict[str, Any]:
    runnable = [one for one in marks if one.runnable]
    reproduced = sum(one.reproduced for one in runnable)
    return {"posts": len(runnable), "reproduced": reproduced, "share": share(reproduced, len(runnable))}


def _repairs(marks: Sequence[Marked]) -> dict[str, Any]:
    drafts = [one for one in marks if one.answered_from_run]
    repaired = sum(one.repaired for one in drafts)
    proved = sum(one.proved for one in drafts)
    return {
        "drafts_from_a_run": len(drafts),
        "repaired": repaired,
        "proved": proved,
        "gradient_compared": sum(one.gradient_checked for one in drafts),
        "share_proved": share(proved, len(drafts)),
        "share_of_repairs_proved": share(proved, repaired),
    }


def _seconds(times: Sequence[float]) -> dict[str, Any]:
    if not times:
        return {"sum": 0.0, "p50": None, "p95": None, "most": None}
    p95 = quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
    return {
        "sum": round(sum(times), 3),
        "p50": round(median(times), 4),
        "p95": round(p95, 4),
        "most": round(max(times), 4),
    }


def _line(one: Marked) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "mark": one.mark.value,
        "drafted": one.drafted,
        "labels": list(one.labels),
        "confidence": one.confidence,
        "ran": one.ran,
        "reason": one.reason,
    }
