"""`autograd-bot run`: a Python file in the sandbox, without a diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bot.cli.context import Context


def run(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(help="A Python file; - reads standard input.")] = "-",
    json: Annotated[bool, typer.Option("--json", help="Print the run as one JSON object.")] = False,
    tape: Annotated[bool, typer.Option("--tape", help="Also print the tape: every torch call of the run.")] = False,
    passes: Annotated[
        int | None, typer.Option(min=1, help="Run only the first passes of each `for … in range(n)` and `while`.")
    ] = None,
) -> None:
    """Run a Python file in the sandbox and print what happened.

    Examples:

      autograd-bot run snippet.py

      echo 'import torch; torch.ones(2)' | autograd-bot run --json --tape
    """
    from bot.cli.opening import read_text
    from bot.domain.answer import run_record
    from bot.sandbox import Order
    from bot.sandbox.open import open_sandbox
    from bot.trials import limits_of

    context: Context = ctx.obj
    code = read_text(file)
    chosen = context.settings.sandbox
    with open_sandbox(chosen, data=context.data) as sandbox:
        done = sandbox.run(Order(code=code, limits=limits_of(chosen), loop_passes=passes))
    if json:
        record: dict[str, Any] = run_record(done) or {}
        if tape:
            from dataclasses import asdict

            record["tape"] = asdict(done.tape) if done.tape is not None else None
        context.print_json(record)
    else:
        from bot.cli.show import show_run, show_tape

        show_run(context.console, code, done)
        if tape:
            show_tape(context.console, done)
