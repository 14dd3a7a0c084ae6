"""`autograd-bot evaluate`: how good the answers are, over posts with labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.cli.context import Context
    from bot.evaluate.corpus import Corpus, Families
    from bot.evaluate.marking import Marked
    from bot.pipeline import Pipeline


def evaluate(
    ctx: typer.Context,
    corpus: Annotated[
        Path,
        typer.Argument(help='Posts as JSON lines: {"id", "title", "body", "labels"}; also "may_also", "runnable".'),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")] = None,
    keep: Annotated[str | None, typer.Option(help="Keep the figures in the database under this name.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Let --keep take the place of a run kept so.")] = False,
    against: Annotated[str | None, typer.Option(help="Say what changed since the run that was kept so.")] = None,
) -> None:
    """Measure the answers to posts whose right answers are known: precision, recall, false alarms.

    `labels` are the names that would be right (none: the post wants no reply), `may_also` names that would be
    neither right nor wrong. `--against` compares the answers to the posts that both runs have.

    Examples:

      autograd-bot evaluate tests/corpus/posts.jsonl

      autograd-bot evaluate posts.jsonl --keep monday --html monday.html

      autograd-bot evaluate posts.jsonl --against monday
    """
    from bot.evaluate.changes import changes

    context: Context = ctx.obj
    previous = _kept(context, against) if against is not None else None
    if keep is not None and not replace:
        _require_free(context, keep)
    record = _measured(context, corpus)
    if keep is not None:
        _keep(context, keep, record, replace=replace)
    changed = changes(previous, record) if previous is not None else None
    if html is not None:
        _write_page(html, record, changed)
    if json:
        context.print_json(record if changed is None else {**record, "changes": changed})
        return
    from bot.cli.evaluated import show_changes, show_record

    show_record(context.console, record)
    if changed is not None:
        show_changes(context.console, changed, str(against))


def _measured(context: Context, file: Path) -> dict[str, Any]:
    """The record of a run over the file. What could not be read is told on standard error."""
    from bot.cli.opening import chapter_finder, opened_pipeline, read_entries
    from bot.evaluate.corpus import read_corpus, read_families
    from bot.evaluate.figures import report
    from bot.library import shipped_folder

    library = read_entries(context)
    families = read_families(shipped_folder() / "families.toml", library)
    corpus = read_corpus(file, families, chapter_of=chapter_finder())
    for sentence in corpus.unreadable:
        context.progress.print(f"left out: {sentence}", markup=False)
    with opened_pipeline(context) as pipeline:
        marks = _answered(context, pipeline, corpus, families)
    return report(marks, families, corpus=file.name, entries=frozenset(entry.name for entry in library))


def _answered(context: Context, pipeline: Pipeline, corpus: Corpus, families: Families) -> list[Marked]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bot.evaluate.answering import evaluate as evaluate_posts

    marks: list[Marked] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=context.progress, transient=True, disable=not context.progress.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("answering", total=len(corpus.posts))
        for one in evaluate_posts(corpus.posts, pipeline.answer, families):
            marks.append(one)
            progress.update(task, advance=1, description=f"{one.id}: {one.mark.value}")
    return marks


def _kept(context: Context, name: str) -> dict[str, Any]:
    """Read before the posts are answered: a name that is not there is said at once."""
    from bot.store import evaluations
    from bot.store.opening import open_store

    store = open_store(context.data)
    try:
        with store.reading() as connection:
            return evaluations.kept(connection, name)
    finally:
        store.close()


def _require_free(context: Context, name: str) -> None:
    """The same for a name that is taken. Raises `BadInput`."""
    from bot.store import evaluations
    from bot.store.engine import database_file
    from bot.store.opening import open_store

    if not database_file(context.data).exists():
        return
    store = open_store(context.data)
    try:
        with store.reading() as connection:
            evaluations.require_free(connection, name)
    finally:
        store.close()


def _keep(context: Context, name: str, record: Mapping[str, Any], *, replace: bool) -> None:
    from datetime import UTC, datetime

    from bot.store import evaluations
    from bot.store.opening import open_store

    store = open_store(context.data)
    try:
        with store.writing() as connection:
            evaluations.keep(connection, name, record, now=datetime.now(UTC), replace=replace)
    finally:
        store.close()


def _write_page(file: Path, record: Mapping[str, Any], changed: Mapping[str, Any] | None) -> None:
    from bot.errors import BadInput
    from bot.evaluate.page import page

    try:
        file.write_text(page(record, changed), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}. Name a file that can be written.") from error
