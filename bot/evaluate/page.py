"""A run of `evaluate` as one HTML file: no address outside it is asked for, and no script runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

_TABLES = {"ran": "ran", "text_only": "text only", "all": "all"}
_FIGURES = {
    "family_precision": "precision (family)",
    "precision": "precision (exact name)",
    "family_recall": "recall (family)",
    "recall": "recall (exact name)",
    "false_alarms": "false alarms on posts that want no reply",
    "abstention": "silent",
}
_COUNTS = {"posts": "posts", "in_scope": "posts that want a reply", "drafts": "drafts"}


@dataclass(frozen=True)
class Bar:
    """One row of the plot of precision and recall."""

    name: str
    y: int
    precision: float | None
    recall: float | None
    counts: str


@dataclass(frozen=True)
class Cell:
    """One square of the confusion matrix."""

    x: int
    y: int
    count: int
    strength: float  #: 0 to 1: its share of its row
    right: bool


def page(record: Mapping[str, Any], changed: Mapping[str, Any] | None = None) -> str:
    """The page. Everything that strangers wrote is escaped."""
    template = _templates().get_template("page.html.j2")
    return template.render(
        record=record,
        changed=changed,
        tables=_TABLES,
        figures=_FIGURES,
        counts=_COUNTS,
        families=bars(record["families"]),
        names=bars(record["names"]),
        matrix=record["matrix"]["names"],
        cells=cells(record["matrix"]["names"], record["matrix"]["counts"]),
        silence=_silence(record["silence"]),
    )


def bars(rows: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """The rows of a plot, from top to bottom."""
    return [
        Bar(
            name=row["name"],
            y=34 + 26 * place,
            precision=row["precision"],
            recall=row["recall"],
            counts=f"{row['right']} of {row['drafts']} drafts right, {row['found']} of {row['labelled']} posts found",
        )
        for place, row in enumerate(rows)
    ]


def cells(names: Sequence[str], counts: Sequence[Sequence[int]]) -> list[Cell]:
    """The squares of a matrix that are not empty."""
    return [
        Cell(x=column, y=row, count=count, strength=round(count / sum(line), 3), right=row == column)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if count and row < len(names)
    ]


def _silence(reasons: Mapping[str, int]) -> list[tuple[str, int, float]]:
    most = max(reasons.values(), default=1)
    return [(reason, count, round(count / most, 3)) for reason, count in reasons.items()]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    return environment
