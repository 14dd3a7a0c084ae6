"""What `evaluate` found, for people: tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.cli.show import heading

_COLUMNS = {"ran": "ran", "text_only": "text only", "all": "all"}
_FIGURES = {
    "posts": "posts",
    "in_scope": "posts that want a reply",
    "drafts": "drafts",
    "family_precision": "precision (family)",
    "precision": "precision (exact name)",
    "family_recall": "recall (family)",
    "recall": "recall (exact name)",
    "false_alarms": "false alarms on the others",
    "abstention": "silent",
}


def show_record(console: Console, record: Mapping[str, Any]) -> None:
    """The figures of a run: both tables, families, names, matrix, the worst ten, the time."""
    _overview(console, record)
    for title, key in (("By family", "families"), ("By name", "names")):
        heading(console, title)
        _rows(console, record[key])
    _matrix(console, record["matrix"])
    _why_silent(console, record["silence"])
    _worst(console, record["worst"])
    seconds = record["seconds"]
    console.print(
        f"{record['posts']} posts in {seconds['sum']} s of answering; a post takes {percent_free(seconds['p50'])} s (p50),"
        f" {percent_free(seconds['p95'])} s (p95)."
    )


def show_changes(console: Console, changed: Mapping[str, Any], name: str) -> None:
    """What changed since a kept run."""
    heading(console, f"What changed since {name}")
    if corpora := changed["corpora"]:
        was, now = corpora["before"], corpora["after"]
        console.print(
            f"The corpora differ: {name} answered {was['posts']} posts of {was['corpus']}, this run {now['posts']} of"
            f" {now['corpus']}. Compared are the {corpora['compared']} posts that both have, with the same title and"
            f" labels; only in {name}: {len(changed['only_before'])}, only in this run: {len(changed['only_after'])}.",
            markup=False,
        )
    for row in changed["figures"]:
        where, what = _COLUMNS[row["table"]], _FIGURES[row["figure"]]
        console.print(f"{what}, {where}: {percent(row['before'])} → {percent(row['after'])}", markup=False)
    for post in changed["posts"]:
        before, after = post["before"], post["after"]
        console.print(
            f"{post['change']:>6}  {post['id']}  {_said(before)} → {_said(after)}  {post['title'][:70]}", markup=False
        )
    if not changed["figures"] and not changed["posts"]:
        console.print("nothing")


def percent(value: float | None) -> str:
    """A share as people read it; a dash of nothing."""
    return "–" if value is None else f"{100 * value:.1f} %"


def percent_free(value: float | None) -> str:
    """A time as people read it; a dash of nothing."""
    return "–" if value is None else f"{value:.3f}"


def _overview(console: Console, record: Mapping[str, Any]) -> None:
    heading(console, f"{record['corpus']}: {record['posts']} posts")
    table = _table("", *_COLUMNS.values())
    for key, words in _FIGURES.items():
        values = [record["tables"][column][key] for column in _COLUMNS]
        counted = key in ("posts", "in_scope", "drafts")
        table.add_row(words, *(str(value) if counted else percent(value) for value in values))
    console.print(table)
    runnable, repairs = record["runnable"], record["repairs"]
    console.print(
        f"Posts marked runnable: {runnable['posts']}, reproduced {runnable['reproduced']} ({percent(runnable['share'])})."
    )
    console.print(
        f"Drafts from a run: {repairs['drafts_from_a_run']}, repaired {repairs['repaired']}, proved {repairs['proved']}"
        f" ({percent(repairs['share_of_repairs_proved'])} of the repairs), gradient compared {repairs['gradient_compared']}."
    )
    if record["without_entry"]:
        console.print(f"Posts whose labels have no entry yet, counted as missed: {record['without_entry']}.")


def _rows(console: Console, rows: list[Mapping[str, Any]]) -> None:
    table = _table("", "drafts", "right", "precision", "labelled", "found", "recall")
    for row in rows:
        table.add_row(
            row["name"],
            str(row["drafts"]),
            str(row["right"]),
            percent(row["precision"]),
            str(row["labelled"]),
            str(row["found"]),
            percent(row["recall"]),
        )
    console.print(table)


def _matrix(console: Console, matrix: Mapping[str, Any]) -> None:
    heading(console, "Labelled (rows) and drafted (columns)")
    table = _table("", *matrix["names"])
    for name, counts in zip(matrix["names"], matrix["counts"], strict=True):
        table.add_row(name, *(str(count) if count else "·" for count in counts))
    console.print(table)


def _why_silent(console: Console, silence: Mapping[str, int]) -> None:
    heading(console, "Why it was silent")
    for reason, count in silence.items():
        console.print(f"{count:>5}  {reason}", markup=False)


def _worst(console: Console, worst: list[Mapping[str, Any]]) -> None:
    heading(console, "The worst ten")
    table = _table("post", "", "drafted", "labels", "confidence", "reason", "title")
    for one in worst:
        labels = ", ".join(one["labels"][:2]) + (" …" if len(one["labels"]) > 2 else "")
        table.add_row(
            one["id"], one["mark"], one["drafted"] or "–", labels or "–", f"{one['confidence']:.2f}",
            one["reason"], one["title"][:60],
        )  # fmt: skip
    console.print(table)


def _said(answer: Mapping[str, Any]) -> str:
    return f"{answer['mark']} ({answer['drafted'] or answer['reason']})"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", justify="left" if place == 0 else "right")
    return table
