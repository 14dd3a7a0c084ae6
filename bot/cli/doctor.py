"""`autograd-bot doctor`: says what is missing, and attacks the sandbox to see that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.cli.context import Context


def doctor(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as one JSON object.")] = False,
) -> None:
    """Look at what the sandbox needs and try to break out of it. Exit code 3 when something is wrong.

    Example: autograd-bot doctor
    """
    from dataclasses import asdict

    from bot.doctor import examine

    context: Context = ctx.obj
    checks = examine(context.settings.sandbox, data=context.data)
    good = all(check.good for check in checks)
    if as_json:
        context.print_json({"good": good, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            typer.echo(f"{'ok ' if check.good else 'BAD'}  {check.name}: {check.saw}")
        typer.echo("Everything is in order." if good else "Something is wrong: strangers' code is not run here.")
    raise typer.Exit(0 if good else 3)
