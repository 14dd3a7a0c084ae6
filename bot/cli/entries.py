"""`autograd-bot knowledge search | import | export`: finding entries, and an admin's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import knowledge
from bot.cli.knowledge import AsJson, Name
from bot.cli.writing import Over
from bot.errors import KnowledgeError, NotFound

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.confusion import Confusion

app = knowledge.app


@app.command()
def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="Words, in English or Chinese.")],
    json: AsJson = False,
) -> None:
    """Find entries by words of their names, titles, phrases, messages and explanations; the most telling first.

    Example: autograd-bot knowledge search in-place relu
    """
    from bot.cli.finding import found
    from bot.cli.knowledge import entry_record
    from bot.cli.opening import read_entries
    from bot.cli.terminal import plain
    from bot.domain.post import Language

    context: Context = ctx.obj
    library = read_entries(context)
    hits = found(library, words)
    if json:
        context.print_json([entry_record(entry, library) for entry in hits])
        return
    for entry in hits:
        context.console.print(plain(f"{entry.name:<34} {entry.title[Language.ENGLISH]}"))
    if not hits:
        raise NotFound(f"no entry speaks of {' '.join(words)}. `autograd-bot knowledge list` shows all.")


@app.command("import")
def import_entry(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder, or a .tar.gz of one.")],
    over: Over = False,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Take it in without running its cases.")] = False,
) -> None:
    """Take in an entry that somebody else made. It may not bring Python of its own beside its cases.

    Its files must be well formed, and its cases keep their promises in the sandbox; otherwise nothing is taken in, and
    the exit code is 5.

    Example: autograd-bot knowledge import loss_on_list.tar.gz
    """
    from bot.shelf import take_in

    context: Context = ctx.obj
    if not path.exists():
        raise NotFound(f"{path} is not there.")
    entry = take_in(context.data / "knowledge", path, over=over)
    if not unchecked:
        _require_promises(context, entry)
    hint = f" `autograd-bot knowledge check {entry.name}` runs its cases." if unchecked else ""
    context.console.print(f"Taken in: {entry.folder}.{hint}", markup=False)


def _require_promises(context: Context, entry: Confusion) -> None:
    """Say whether an entry that was just taken in keeps its promises. Raises `KnowledgeError`, and takes it out again,
    when not."""
    import shutil

    from bot.cli.knowledge import checked, show_checked
    from bot.cli.opening import opened_pipeline

    try:
        with opened_pipeline(context, as_ruled=False) as pipeline:
            record = checked(pipeline.library.get(entry.name), pipeline)
        show_checked(context, record)
        if record["problems"]:
            raise KnowledgeError(
                f"{entry.name} does not keep {len(record['problems'])} of its promises, so it was not taken in."
                " --unchecked takes it in all the same."
            )
    except BaseException:
        shutil.rmtree(entry.folder)
        raise


@app.command("export")
def export_entry(
    ctx: typer.Context,
    name: Name,
    path: Annotated[Path, typer.Argument(help="The .tar.gz to write.")],
    replace: Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")] = False,
) -> None:
    """Write an entry as one archive, to give it to somebody else, who takes it in with `import`.

    Example: autograd-bot knowledge export loss_on_list loss_on_list.tar.gz
    """
    from bot.cli.opening import read_entries
    from bot.cli.writing import tell_what_stays
    from bot.shelf import give_away

    context: Context = ctx.obj
    without = give_away(read_entries(context, asked=name).get(name), path, replace=replace)
    context.console.print(f"Written: {path}", markup=False)
    tell_what_stays(context, without)
