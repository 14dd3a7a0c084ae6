"""`autograd-bot knowledge stats | retire | trust`: how entries have fared, and what is decided about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import entries
from bot.cli.context import person
from bot.cli.knowledge import AsJson, Name

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.confusion import Ruling
    from bot.store.engine import Connection
    from bot.store.rulings import Ruled

app = entries.app  # the group of `knowledge` with all that stands in it so far

#: How many reasons for silence are listed.
MOST_REASONS = 20

By = Annotated[str | None, typer.Option("--as", help="Your name, for the record. Default: your login name.")]
Note = Annotated[str, typer.Option("--note", help="Why, for the record.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take it back: the entry is again as its folder says.")]


@app.command()
def stats(
    ctx: typer.Context,
    unanswered: Annotated[
        bool, typer.Option("--unanswered", help="Instead: why posts got no reply, and the newest of them.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Show each entry's record: posts that showed it, drafts that wait, approved, edited, rejected, and what became of the
    replies.

    `--unanswered` lists why posts got no reply, with the newest of each: where an entry may be missing.

    Example: autograd-bot knowledge stats
    """
    context: Context = ctx.obj
    with _reading(context) as connection:
        rows = _silences(connection) if unanswered else _records(connection)
    if json:
        context.print_json(rows)
    elif not rows:
        context.console.print("No drafts yet. `autograd-bot replay` or `autograd-bot serve` makes them.", markup=False)
    elif unanswered:
        for row in rows:
            context.console.print(
                f"{row['posts']:>6}  {row['reason']}  (post {', '.join(row['newest'])})", markup=False
            )
    else:
        _show_records(context, rows)
        context.console.print("`autograd-bot knowledge stats --unanswered` tells what got no reply.", markup=False)


def _show_records(context: Context, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    columns = ("name", "matched", "waiting", "approved", "edited", "rejected", "standing")
    for column in (*columns, "replies"):
        table.add_column(column)
    for row in rows:
        fates = ", ".join(f"{fate} {number}" for fate, number in row["fates"].items())
        table.add_row(*(str(row[key]) for key in columns), fates)
    context.console.print(table)


@contextmanager
def _reading(context: Context) -> Iterator[Connection | None]:
    """The database to read from; None where there is none."""
    from bot.store.engine import database_file
    from bot.store.opening import open_store

    if not database_file(context.data).exists():
        yield None
        return
    store = open_store(context.data)
    try:
        with store.reading() as connection:
            yield connection
    finally:
        store.close()


def _silences(connection: Connection | None) -> list[dict[str, Any]]:
    """Why posts got no reply, for how many, and the newest of them."""
    from dataclasses import asdict

    from bot.store import answers

    return [] if connection is None else [asdict(one) for one in answers.silences(connection, most=MOST_REASONS)]


def _records(connection: Connection | None) -> list[dict[str, Any]]:
    """The record of each entry that a post showed, a draft was made of or something was decided about."""
    from bot import learn
    from bot.domain.draft import DraftState
    from bot.store import answers, queue, rulings

    if connection is None:
        return []
    records = {record.confusion: record for record in learn.records(connection)}
    waiting = queue.counts_by_confusion(connection, DraftState.PENDING)
    matched, ruled = answers.matched(connection), rulings.current(connection)
    return [
        {
            "name": name,
            "matched": matched.get(name, 0),
            "waiting": waiting.get(name, 0),
            "approved": record.approved,
            "edited": record.edited,
            "rejected": sum(record.rejected.values()),
            "standing": _standing(record, ruled.get(name)),
            "fates": {fate.value: number for fate, number in record.fates.items()},
        }
        for name in sorted({*records, *waiting, *matched, *ruled})
        for record in [records.get(name, learn.Record(confusion=name))]
    ]


def _standing(record: Any, ruled: Ruled | None) -> str:
    """As a person ruled, else as the record says."""
    from bot.domain.confusion import Ruling

    if ruled is None or ruled.ruling is Ruling.NONE:
        return str(record.standing.value)
    return f"{ruled.ruling.value} by {ruled.by}"


@app.command()
def retire(ctx: typer.Context, name: Name, undo: Undo = False, by: By = None, note: Note = "") -> None:
    """Answer no more posts with an entry. Its folder and its drafts stay, and moderators can still choose it.

    It takes effect when the program is started the next time; `--undo` takes it back.

    Example: autograd-bot knowledge retire nan_gradient --note "taught in chapter 9 only"
    """
    from bot.domain.confusion import Ruling

    context: Context = ctx.obj
    _rule(context, name, Ruling.RETIRED, undo=undo, by=by, note=note)
    said = "answers again" if undo else "is retired: no new post is answered with it"
    context.console.print(f"{name} {said}, as of the program's next start.", markup=False)


@app.command()
def trust(ctx: typer.Context, name: Name, undo: Undo = False, by: By = None, note: Note = "") -> None:
    """Call an entry proved: its replies do not say any more that this kind of answer is new. Nothing is posted unread.

    It takes effect when the program is started the next time; `--undo` takes it back.

    Example: autograd-bot knowledge trust loss_on_list
    """
    from bot.domain.confusion import Ruling

    context: Context = ctx.obj
    _rule(context, name, Ruling.TRUSTED, undo=undo, by=by, note=note)
    said = "is as its folder says" if undo else "is trusted: its replies do not say that it is new"
    context.console.print(f"{name} {said}, as of the program's next start.", markup=False)


def _rule(context: Context, name: str, ruling: Ruling, *, undo: bool, by: str | None, note: str) -> None:
    """Keep a decision about an entry, or the taking back of that one. Raises `NotFound`, `BadInput`."""
    from datetime import UTC, datetime

    from bot.cli.opening import read_entries
    from bot.domain.confusion import Ruling
    from bot.errors import BadInput
    from bot.store import rulings
    from bot.store.opening import open_store

    read_entries(context).get(name)
    store = open_store(context.data)
    try:
        with store.writing() as connection:
            now = rulings.current(connection).get(name)
            if undo and (now is None or now.ruling is not ruling):
                raise BadInput(f"{name} is not {ruling.value}, so there is nothing to take back.")
            decided = Ruling.NONE if undo else ruling
            made = rulings.Ruled(confusion=name, ruling=decided, at=datetime.now(UTC), by=by or person(), note=note)
            rulings.rule(connection, made)
    finally:
        store.close()
