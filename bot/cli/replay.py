"""`autograd-bot replay`: the main job over an archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import BadInput

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.replay import Replayed


def replay(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="A topic as JSON, a JSONL of posts, or a folder of them.")],
    again: Annotated[bool, typer.Option("--again", help="Answer posts that were answered before once more.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a post.")] = False,
) -> None:
    """Do the main job over an archive: every post is answered as of its own moment, into the database.

    Examples:

      autograd-bot replay thread.json

      autograd-bot --data trial replay archive/ --json > answers.jsonl
    """
    context: Context = ctx.obj
    if json:
        done = []
        for one in _replayed(context, path, again=again):
            context.print_json(one.record)
            done.append(one)
    else:
        done = answered_with_progress(context, path, again=again)
        show_table(context, done)
    _name_unreadable(context, path, done)


def _name_unreadable(context: Context, path: Path, done: list[Replayed]) -> None:
    """Say on standard error what could not be read. Raises `BadInput` when there was nothing else."""
    from bot.cli.terminal import plain

    unreadable = [one for one in done if one.unreadable]
    if len(unreadable) == len(done) == 1:
        raise BadInput(str(unreadable[0].entry.error))
    for one in unreadable:
        context.progress.print(plain(f"left out: {one.entry.error}"))
    if done and len(unreadable) == len(done):
        raise BadInput(f"{path} holds no post that can be read; each is named above.")


def _replayed(context: Context, path: Path, *, again: bool) -> Iterator[Replayed]:
    """The posts of an archive, answered one after the other. The sandbox starts with the first that needs it."""
    from contextlib import ExitStack
    from datetime import UTC, datetime
    from functools import cache

    from bot.cli.opening import chapter_finder, opened_pipeline
    from bot.forum.archive import read_archive
    from bot.replay import replay as replay_archive
    from bot.store.opening import open_store

    entries = read_archive(path, chapter_of=chapter_finder())
    store = open_store(context.data)
    with ExitStack() as opened:
        opened.callback(store.close)
        started = cache(lambda: opened.enter_context(opened_pipeline(context)))
        yield from replay_archive(
            entries,
            store,
            lambda question: started().answer(question),
            now=lambda: datetime.now(UTC),
            again=again,
        )


def answered_with_progress(context: Context, path: Path, *, again: bool) -> list[Replayed]:
    """Answer the posts of an archive, with a bar on standard error while it takes."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bot.forum.archive import read_archive

    total = sum(1 for _ in read_archive(path))
    done: list[Replayed] = []
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=context.progress, transient=True, disable=not context.progress.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("reading posts, running code", total=total)
        for one in _replayed(context, path, again=again):
            done.append(one)
            progress.update(
                task, advance=1, description=f"{one.entry.source[:60]}: {one.record.get('verdict', 'unreadable')}"
            )
    return done


def show_table(context: Context, done: list[Replayed]) -> None:
    """One row for each post that was answered just now, and a line that counts."""
    from rich.table import Table

    from bot.cli.terminal import plain

    console = context.console
    new = [one for one in done if one.new]
    known = sum(1 for one in done if not one.new and not one.unreadable)
    if known and not new:
        console.print(f"Nothing new: all {known} posts were answered before.")
    if not new:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("post", "confusion", "reproduced", "repair verified", "draft"):
        table.add_column(column, overflow="fold")
    for one in new:
        table.add_row(*map(plain, _row(one)))
    console.print(table)
    drafts = sum(1 for one in new if one.draft_id is not None)
    console.print(f"{len(new)} posts looked at, {drafts} drafts wait for a moderator, {known} known before.")


def _row(one: Replayed) -> tuple[str, ...]:
    answer = one.answer
    assert answer is not None
    assert one.entry.question is not None
    post = f"{one.entry.question.title[:24]} #{one.entry.question.post.number} {one.entry.question.post.author}"
    if not answer.is_draft:
        return post, f"– ({answer.reason})", "", "", ""
    found, proof = answer.diagnosis, answer.proof
    reproduced = (
        "text only"
        if found is None or not found.ran
        else {None: "yes", True: "yes", False: "another outcome"}[found.same_error]
    )
    verified = "yes" if proof is not None and proof.holds else "no" if proof is not None else "nothing to mend"
    return post, found.confusion if found else "", reproduced, verified, f"{one.draft_id} ({answer.language.value})"
