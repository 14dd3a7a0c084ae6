"""`autograd-bot knowledge new | edit | search | import | export | stats`: an admin's work on entries."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import knowledge
from bot.cli.knowledge import AsJson, Name
from bot.errors import BadInput, NotFound

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.confusion import Confusion
    from bot.domain.post import Language
    from bot.shelf import Sketch

app = knowledge.app

#: Something in English and in Chinese, or wrong and mended; None where it was not given.
Both = tuple[str | None, str | None]


@app.command()
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name: the wrong pattern, e.g. loss_on_gpu.")],
    failing: Annotated[str | None, typer.Option(help="A Python file that goes wrong this way.")] = None,
    fixed: Annotated[str | None, typer.Option(help="The same program, mended in one line.")] = None,
    kind: Annotated[str, typer.Option(help="mistake (the code is wrong) or question (it is misread).")] = "mistake",
    family: Annotated[str, typer.Option(help="Which entries it is easily taken for.")] = "own",
    title_en: Annotated[str | None, typer.Option(help="The wrong pattern in a few words, in English.")] = None,
    title_zh: Annotated[str | None, typer.Option(help="The same in Chinese.")] = None,
    explain_en: Annotated[str | None, typer.Option(help="Cause in one or two sentences, in English.")] = None,
    explain_zh: Annotated[str | None, typer.Option(help="The same in Chinese.")] = None,
    asked_en: Annotated[str | None, typer.Option(help="How a student asks it, in English.")] = None,
    asked_zh: Annotated[str | None, typer.Option(help="The same in Chinese.")] = None,
) -> None:
    """Write a new entry: asks what is not given, runs the failing program, and writes what it shows.

    Example: autograd-bot knowledge new loss_on_list --failing wrong.py --fixed right.py
    """
    context: Context = ctx.obj
    sketch = _sketch(
        name,
        kind=kind,
        family=family,
        programs=(failing, fixed),
        title=(title_en, title_zh),
        explain=(explain_en, explain_zh),
        asked=(asked_en, asked_zh),
    )
    folder, problems = _written(context, sketch)
    context.console.print(f"Written: {folder}", markup=False)
    for problem in problems:
        context.console.print(f"  {problem}", markup=False)
    after = f"`autograd-bot knowledge edit {name}` opens it" if problems else "it keeps its promises"
    context.console.print(f"{name}: {after}. `autograd-bot knowledge try {name}` shows its replies.", markup=False)


def _sketch(name: str, *, kind: str, family: str, programs: Both, title: Both, explain: Both, asked: Both) -> Sketch:
    """What the person tells about the entry; what is not given is asked for."""
    from bot.cli.opening import read_text
    from bot.domain.confusion import ConfusionKind
    from bot.shelf import Sketch

    if kind not in {one.value for one in ConfusionKind}:
        raise BadInput(f'kind is "mistake" or "question", not "{kind}"')
    failing, fixed = programs
    if kind == ConfusionKind.MISTAKE.value:
        failing = _asked(failing, "--failing", "A Python file that goes wrong this way")
    posts = _in_both("asked", asked, "How does a student ask it, in English?", "And in Chinese?")
    return Sketch(
        name=name,
        kind=ConfusionKind(kind),
        family=family,
        title=_in_both("title", title, "The wrong pattern in a few words, in English", "The same in Chinese"),
        explain=_in_both("explain", explain, "The cause in one or two sentences, in English", "The same in Chinese"),
        asked_as={language: (text,) for language, text in posts.items()},
        failing=read_text(failing) if failing else None,
        fixed=read_text(fixed) if fixed else None,
        asked=posts if kind == ConfusionKind.QUESTION.value else {},
    )


def _written(context: Context, sketch: Sketch) -> tuple[Path, list[str]]:
    """The folder of the new entry, and the promises that it does not keep."""
    from bot.cli.opening import opened_pipeline, pipeline_over
    from bot.promises import broken_promises
    from bot.shelf import write_entry

    with opened_pipeline(context) as pipeline:
        run = pipeline.run(sketch.failing) if sketch.failing else None
        folder = write_entry(context.data / "knowledge", sketch, run=run)
        anew = pipeline_over(context, pipeline.trials.sandbox)
        return folder, list(broken_promises(anew.library.get(sketch.name), anew))


def _in_both(part: str, given: Both, in_english: str, in_chinese: str) -> dict[Language, str]:
    """A text in both languages, with the questions for those that are not given."""
    from bot.domain.post import Language

    english, chinese = given
    return {
        Language.ENGLISH: _asked(english, f"--{part}-en", in_english),
        Language.CHINESE: _asked(chinese, f"--{part}-zh", in_chinese),
    }


@app.command()
def edit(ctx: typer.Context, name: Name) -> None:
    """Open one of your own entries in $EDITOR, and check it when the editor is closed.

    Example: autograd-bot knowledge edit loss_on_list
    """
    import os
    import shlex
    import subprocess

    from bot.diagnose.signals import known_words
    from bot.library import FILE, read_entry

    context: Context = ctx.obj
    folder = context.data / "knowledge" / name
    if not (folder / FILE).is_file():
        raise NotFound(
            f'you have no entry of your own called "{name}". `autograd-bot knowledge new {name}` writes one.'
        )
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "editor"
    files = [folder / FILE, folder / "explain.en.md", folder / "explain.zh.md"]
    try:
        subprocess.run([*shlex.split(editor), *map(str, files)], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:  # ValueError: a quote is not closed
        raise BadInput(f"the editor {editor!r} did not work: {error}. Set EDITOR to one that does.") from error
    read_entry(folder, own=False, words=known_words())
    context.console.print(f"{name} is well formed. `autograd-bot knowledge check {name}` runs its cases.", markup=False)


@app.command()
def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="Words, in English or Chinese.")],
    json: AsJson = False,
) -> None:
    """Find entries by words of their titles, phrases, messages and explanations.

    Example: autograd-bot knowledge search in-place relu
    """
    from bot.cli.knowledge import entry_record
    from bot.cli.opening import read_entries
    from bot.cli.terminal import plain
    from bot.domain.post import Language

    context: Context = ctx.obj
    found = [entry for entry in read_entries(context) if _speaks_of(entry, words)]
    if json:
        context.print_json([entry_record(entry) for entry in found])
        return
    for entry in found:
        context.console.print(plain(f"{entry.name:<34} {entry.title[Language.ENGLISH]}"))
    if not found:
        raise NotFound(f"no entry speaks of {' '.join(words)}. `autograd-bot knowledge list` shows all.")


def _speaks_of(entry: Confusion, words: list[str]) -> bool:
    """Whether all words stand in the entry's name, file or explanations."""
    text = f"{entry.name} {(entry.folder / 'confusion.toml').read_text(encoding='utf-8')} {entry.explain}".lower()
    return all(word.lower() in text for word in words)


@app.command("import")
def import_entry(
    ctx: typer.Context, path: Annotated[Path, typer.Argument(help="A folder, or a .tar.gz of one.")]
) -> None:
    """Take in an entry that somebody else made; it is checked first and may not bring Python of its own.

    Example: autograd-bot knowledge import loss_on_list.tar.gz
    """
    from bot.shelf import take_in

    context: Context = ctx.obj
    if not path.exists():
        raise NotFound(f"{path} is not there.")
    entry = take_in(context.data / "knowledge", path)
    context.console.print(
        f"Taken in: {entry.folder}. `autograd-bot knowledge check {entry.name}` runs its cases.", markup=False
    )


@app.command("export")
def export_entry(
    ctx: typer.Context, name: Name, path: Annotated[Path, typer.Argument(help="The .tar.gz to write.")]
) -> None:
    """Write an entry as one archive, to give it to somebody else.

    Example: autograd-bot knowledge export loss_on_list loss_on_list.tar.gz
    """
    from bot.cli.opening import read_entries
    from bot.shelf import give_away

    context: Context = ctx.obj
    give_away(read_entries(context).get(name), path)
    context.console.print(f"Written: {path}", markup=False)


@app.command()
def stats(ctx: typer.Context, json: AsJson = False) -> None:
    """Show each entry's record: drafts that wait, approved, edited, rejected, and what became of the replies.

    Example: autograd-bot knowledge stats
    """
    from rich.table import Table

    context: Context = ctx.obj
    rows = _records(context)
    if json:
        context.print_json(rows)
        return
    if not rows:
        context.console.print("No drafts yet. `autograd-bot replay` or `autograd-bot serve` makes them.", markup=False)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("name", "waiting", "approved", "edited", "rejected", "standing", "replies"):
        table.add_column(column)
    for row in rows:
        fates = ", ".join(f"{fate} {number}" for fate, number in row["fates"].items())
        table.add_row(
            *(str(row[key]) for key in ("name", "waiting", "approved", "edited", "rejected", "standing")), fates
        )
    context.console.print(table)


def _records(context: Context) -> list[dict[str, Any]]:
    """The record of each entry that a draft was made of; none where there is no database."""
    from bot import learn
    from bot.domain.draft import DraftState
    from bot.store import drafts
    from bot.store.engine import database_file
    from bot.store.opening import open_store

    if not database_file(context.data).exists():
        return []
    store = open_store(context.data)
    try:
        with store.reading() as connection:
            records = {record.confusion: record for record in learn.records(connection)}
            waiting = drafts.counts_by_confusion(connection, DraftState.PENDING)
    finally:
        store.close()
    return [
        {
            "name": name,
            "waiting": waiting.get(name, 0),
            "approved": record.approved,
            "edited": record.edited,
            "rejected": sum(record.rejected.values()),
            "standing": record.standing.value,
            "fates": {fate.value: number for fate, number in record.fates.items()},
        }
        for name in sorted({*records, *waiting})
        for record in [records.get(name, learn.Record(confusion=name))]
    ]


def _asked(given: str | None, option: str, question: str) -> str:
    """What was given on the command line, else what the person answers. Raises `BadInput` where nobody can answer."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise BadInput(f"{option} is missing ({question.rstrip('?')}).")
    prompt: Callable[..., str] = typer.prompt
    return prompt(question)
