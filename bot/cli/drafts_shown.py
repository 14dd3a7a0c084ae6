"""How drafts look on a terminal, plainly when piped, and as JSON.

Titles, names and posts are strangers' words: they are never read as markup, and what would steer a
terminal is shown as a mark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import harmless
from bot.domain.draft import Decision, Draft, DraftState, DraftSummary
from bot.store.replies import Outcome

_PARTS = ("error_gone", "confusion_gone", "values_kept", "gradient", "minimal")


def summary_record(draft: DraftSummary) -> dict[str, Any]:
    """A line of `drafts list --json`."""
    return _plain(asdict(draft))


def draft_record(draft: Draft, history: Sequence[Decision], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The object of `drafts show --json`; `record` is the answer it rests on."""
    shown = _plain(asdict(draft))
    return {
        **shown,
        "record": json.loads(draft.record),
        "decisions": [_plain(asdict(one)) for one in history],
        "outcomes": [_plain(asdict(one)) for one in outcomes],
    }


def show_list(
    console: Console,
    found: Sequence[DraftSummary],
    *,
    state: DraftState,
    counts: Mapping[DraftState, int],
    now: datetime,
) -> None:
    """A table of drafts, or what to type when there are none."""
    if not counts:
        console.print("No drafts yet. Make some:")
        console.print("  autograd-bot replay PATH    from an archive of posts", markup=False)
        console.print("  autograd-bot poll --once    from the forum in the settings", markup=False)
        return
    if found:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("draft", "age", "confusion", "sure", "proved", "lang", "asker", "topic"):
            table.add_column(column)
        for one in found:
            table.add_row(*_row(one, now))
        console.print(table)
    rest = ", ".join(f"{number} {each.value}" for each, number in counts.items())
    console.print(Text(f"{len(found)} of {counts.get(state, 0)} {state.value} shown; in all: {rest}.", style="dim"))
    if found:
        console.print(Text(f"Next: autograd-bot drafts show {found[0].id}", style="dim"))


def show_draft(console: Console, draft: Draft, history: Sequence[Decision], outcomes: Sequence[Outcome]) -> None:
    """Everything a moderator needs to decide, from top to bottom."""
    record = json.loads(draft.record)
    _heading(console, f"Draft {draft.id}: {draft.state.value}, revision {draft.revision}")
    _line(console, f"{draft.topic_title}, post {draft.post_number} by {draft.asker}")
    _line(console, f"{draft.confusion or 'no confusion'}, confidence {draft.confidence:.2f}. {record['reason']}")
    if draft.claimed_by:
        _line(console, f"in hand of {draft.claimed_by} until {draft.claimed_until:%H:%M:%S} UTC")
    _heading(console, "Question")
    _line(console, draft.question)
    _show_run(console, record)
    _show_proof(console, record, proved=draft.proved)
    _heading(console, "Reply")
    _line(console, draft.reply)
    if history or outcomes:
        _heading(console, "History")
    for decision in history:
        reason = f" ({decision.reason.value})" if decision.reason else ""
        note = f": {decision.note}" if decision.note else ""
        _line(console, f"{_minute(decision.at)}  {decision.by}  {decision.after.value}{reason}{note}")
    for outcome in outcomes:
        _line(console, f"{_minute(outcome.at)}  {outcome.fate.value} {outcome.note}")


def show_rerun(console: Console, draft: Draft, *, ran: bool) -> None:
    """What running its code again proved, or that there was nothing to run."""
    if not ran:
        _line(console, f"All code in draft {draft.id} is proved already; nothing was run.")
        return
    _line(console, f"Draft {draft.id} was run again and has revision {draft.revision} now.")
    _show_proof(console, json.loads(draft.record), proved=draft.proved)


def _row(draft: DraftSummary, now: datetime) -> tuple[Text, ...]:
    cells = (
        str(draft.id),
        _age(now, draft.created_at),
        draft.confusion,
        f"{draft.confidence:.2f}",
        "yes" if draft.proved else "NO",
        draft.language.value,
        draft.asker,
        f"{draft.topic_title} #{draft.post_number}",
    )
    return tuple(Text(" ".join(harmless(cell).split())) for cell in cells)


def _show_run(console: Console, record: Mapping[str, Any]) -> None:
    snippet, before = record["snippet"], record["before"]
    if snippet is None or before is None:
        return
    _heading(console, f"What ran: {before['outcome']}")
    notes: dict[int, list[str]] = {}
    for echo in before["echoes"]:
        notes.setdefault(echo["line"], []).extend(echo["text"].splitlines())
    for warning in before["warnings"]:
        notes.setdefault(warning["line"] or 0, []).append(f"warning: {warning['message']}")
    if error := before["error"]:
        notes.setdefault(error["line"] or 0, []).append(f"{error['type']}: {error['message']}")
    for number, line in enumerate(snippet["code"].splitlines(), start=1):
        _line(console, f"{number:4}  {line}")
        for note in notes.get(number, ()):
            _line(console, f"      | {note}", style="cyan")
    for note in notes.get(0, ()):
        _line(console, f"      | {note}", style="cyan")
    for assumption in snippet["assumptions"]:
        _line(console, f"assumed: {assumption}", style="yellow")
    if record["reported_error"] and record["same_error"] is False:
        _line(console, f"The quoted error did not occur: {record['reported_error']['message']}", style="yellow")


def _show_proof(console: Console, record: Mapping[str, Any], *, proved: bool) -> None:
    proof, repair = record["proof"], record["repair"]
    if repair:
        _heading(console, f"Repair: {repair['fix']}")
        _line(console, repair["diff"])
    if proof:
        _heading(console, "Proof")
        for part in _PARTS:
            check = proof[part]
            _line(console, f"{part:15}{check['state']:13}{check['why']}")
    if not proved:
        _line(console, "The code in the reply has no proof: it cannot be approved.", style="bold red")


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(harmless(text), style="bold"))


def _line(console: Console, text: str, *, style: str = "") -> None:
    console.print(Text(harmless(text).rstrip("\n"), style=style))


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _age(now: datetime, moment: datetime) -> str:
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Enums as their values and times as ISO 8601."""
    return {
        name: value.value if isinstance(value, Enum) else value.isoformat() if isinstance(value, datetime) else value
        for name, value in fields.items()
    }
