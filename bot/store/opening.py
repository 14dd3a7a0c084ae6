"""Making, upgrading and opening the database of a data directory."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

import bot
from bot.errors import SchemaOutdated, StoreError
from bot.store.engine import Store, connect, database_file
from bot.store.tables import SCHEMA


def open_store(data: Path) -> Store:
    """The database of a data directory, made when there is none.

    Raises `SchemaOutdated` when it has another version than this program, `StoreError` when the
    file is not ours or cannot be used.
    """
    file = database_file(data)
    if not file.exists():
        upgrade(data)
    store = connect(file)
    try:
        with store.reading() as connection:
            found = _version(connection, file)
        if found is None:  # another process has only begun to make it, or ended while it did
            upgrade(data)
        else:
            _check(found, file)
    except StoreError:
        store.close()
        raise
    return store


def upgrade(data: Path) -> None:
    """Bring the database of a data directory to this program's version; make it when there is none.

    Raises `SchemaOutdated` when it is newer than this program.
    """
    make_data_directory(data)
    file = database_file(data)
    store = connect(file, foreign_keys=False)
    try:
        with store.writing() as connection:
            found = _version(connection, file)
            _refuse_newer(found, file)
            config = Config()
            config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        store.close()


def migrations_folder() -> Path:
    """Where the migrations lie: within an installed wheel, or beside `bot/` in a checkout."""
    package = Path(bot.__file__).parent
    shipped = package / "_shipped" / "migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def make_data_directory(data: Path) -> None:
    """Make the data directory, for this user alone, when there is none."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The data directory {data} cannot be made: {error.strerror}. Name another with --data."
        ) from error


def _check(found: str, file: Path) -> None:
    _refuse_newer(found, file)
    if found != SCHEMA:
        raise SchemaOutdated(
            f"{file} has schema {found}, and this program needs {SCHEMA}. Run `autograd-bot db upgrade`."
        )


def _refuse_newer(found: str | None, file: Path) -> None:
    # Versions are numbers of one width, so that their order is that of their texts.
    if found is not None and found > SCHEMA:
        raise SchemaOutdated(
            f"{file} was made by a newer autograd-bot (schema {found}; this program knows {SCHEMA})."
            " Install the newer program again."
        )


def _version(connection: Connection, file: Path) -> str | None:
    """The schema's version; None for a database without any table."""
    names = inspect(connection).get_table_names()
    if "alembic_version" in names:
        version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return version
    if names:
        raise StoreError(f"{file} is not a database of autograd-bot. Move it away, or name another --data.")
    return None
