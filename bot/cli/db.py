"""`autograd-bot db`: bring the database to this program's version, and copy it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import NotFound

if TYPE_CHECKING:
    from bot.cli.context import Context

app = typer.Typer(help="The database of the data directory.", no_args_is_help=True)


@app.command()
def upgrade(ctx: typer.Context) -> None:
    """Bring the database to this program's version; make it when there is none.

    Example: autograd-bot db backup before.sqlite3 && autograd-bot db upgrade
    """
    from bot.store.engine import database_file
    from bot.store.opening import upgrade as bring_up
    from bot.store.tables import SCHEMA

    context: Context = ctx.obj
    bring_up(context.data)
    context.console.print(f"{database_file(context.data)} has schema {SCHEMA}.", markup=False)


@app.command()
def backup(
    ctx: typer.Context, path: Annotated[Path, typer.Argument(help="The file to make. It must not exist.")]
) -> None:
    """Copy the database as of one moment, also while it is in use.

    Example: autograd-bot db backup /var/backups/drafts.sqlite3
    """
    from bot.store.engine import backup as copy
    from bot.store.engine import database_file

    context: Context = ctx.obj
    file = database_file(context.data)
    if not file.exists():
        raise NotFound(f"There is no database in {context.data}: nothing to back up.")
    copy(file, path)
    context.console.print(f"{path} is a copy of {file}.", markup=False)
