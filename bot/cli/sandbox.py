"""`autograd-bot sandbox`: stage the jail's environment, or serve the sandbox over a socket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.cli.context import Context

app = typer.Typer(help="The place where strangers' code runs.", no_args_is_help=True)


@app.command()
def prepare(ctx: typer.Context) -> None:
    """Stage the jail's own Python and torch where its unprivileged user may read them. Needed once.

    Example: autograd-bot sandbox prepare
    """
    from bot.sandbox import environment

    context: Context = ctx.obj
    staged = environment.prepare(uid=context.settings.sandbox.uid)
    typer.echo(f"The sandbox's environment is ready: {staged.path} (Python {staged.python}, torch {staged.torch}).")


@app.command()
def serve(
    ctx: typer.Context,
    socket: Annotated[Path, typer.Option(help="Where to listen: a Unix socket that only the bot can reach.")],
) -> None:
    """Run a sandbox for a bot in another container, until Ctrl-C or SIGTERM.

    Example: autograd-bot sandbox serve --socket /run/autograd-bot/sandbox.sock
    """
    import signal

    from bot.sandbox.client import JailedSandbox
    from bot.sandbox.service import SandboxServer

    context: Context = ctx.obj
    with JailedSandbox(context.settings.sandbox, data=context.data) as sandbox:
        server = SandboxServer(sandbox, socket)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.stop())
        typer.echo(f"The sandbox listens at {socket}.")
        server.serve()
