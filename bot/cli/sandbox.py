"""`autograd-bot sandbox`: stage the jail's environment, or serve the sandbox over a socket."""

from __future__ import annotations

import typer

app = typer.Typer(help="The place where strangers' code runs.", no_args_is_help=True)


@app.command()
def prepare() -> None:
    """Stage the jail's own Python and torch where its unprivileged user may read them. Needed once.

    Example: autograd-bot sandbox prepare
    """
    from bot.sandbox import environment
    from bot.settings import default_data_directory, read_settings

    settings = read_settings(default_data_directory()).sandbox
    staged = environment.prepare(uid=settings.uid)
    typer.echo(f"The sandbox's environment is ready: {staged.path} (Python {staged.python}, torch {staged.torch}).")
