"""`autograd-bot doctor`: says what is missing, and attacks the sandbox to see that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.cli.context import Context
    from bot.doctor import Check


def doctor(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as one JSON object.")] = False,
) -> None:
    """Look at what the sandbox needs and try to break out of it, and read the entries of the knowledge base.

    Exit code 3 when code cannot be run safely, 5 when only an entry is not well formed.

    Example: autograd-bot doctor
    """
    from dataclasses import asdict

    from bot.doctor import examine

    context: Context = ctx.obj
    sandbox = examine(context.settings.sandbox, data=context.data)
    checks = [*sandbox, *_entries(context)]
    safe, good = all(check.good for check in sandbox), all(check.good for check in checks)
    if as_json:
        context.print_json({"good": good, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            typer.echo(f"{'ok ' if check.good else 'BAD'}  {check.name}: {check.saw}")
        wrong = "an entry is left out until it is mended." if safe else "strangers' code is not run here."
        typer.echo("Everything is in order." if good else f"Something is wrong: {wrong}")
    raise typer.Exit(0 if good else 5 if safe else 3)


def _entries(context: Context) -> Iterator[Check]:
    """The knowledge base, and each entry that cannot be used."""
    from bot.doctor import Check
    from bot.errors import KnowledgeError
    from bot.pipeline import entries

    try:
        library = entries(context.data / "knowledge")
    except KnowledgeError as error:
        yield Check(name="knowledge base", good=False, saw=str(error))
        return
    yours = sum(not entry.own for entry in library)
    yield Check(name="knowledge base", good=True, saw=f"{len(library)} entries, {yours} of them yours")
    for broken in library.left_out:
        yield Check(name=f"entry {broken.name}", good=False, saw=f"left out, in {broken.folder}: {broken.why}")
