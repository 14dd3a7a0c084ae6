"""Connections and transactions. The only place that knows about SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import DatabaseBusy, StoreError

__all__ = ["Connection", "Store", "backup", "connect", "database_file"]

#: What to do about it, by what SQLite says.
_REMEDIES = {
    "full": " Make room; what was finished is kept.",
    "unable to open": " Let this user write to its folder, or name another with --data.",
    "readonly": " Let this user write to it and its folder, or name another with --data.",
    "not a database": " Put a backup in its place, or name another with --data.",
    "malformed": " Put a backup in its place, or name another with --data.",
}
#: How long a transaction waits for another process before it gives up.
BUSY_SECONDS = 10


def database_file(data: Path) -> Path:
    """Where the database of a data directory lies, whether it exists or not."""
    return data / "autograd-bot.sqlite3"


@dataclass(frozen=True, slots=True)
class Store:
    """An open database."""

    engine: Engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing.

        Raises `DatabaseBusy` when another process holds the database, `StoreError` when it cannot be read.
        """
        with _named_errors(self.engine), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: everything done in it is kept when it ends well, and nothing otherwise.

        Raises `DatabaseBusy` when another process holds the database, `StoreError` when it cannot be written.
        """
        engine = self.engine.execution_options(writes=True)
        with _named_errors(engine), engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def connect(file: Path, *, foreign_keys: bool = True) -> Store:
    """The database in this file, made when it is first written to. Its version is not checked.

    `foreign_keys` is off only while the schema itself changes.
    """
    engine = create_engine(URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own habit of beginning transactions late would let a read precede a write unprotected.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        # What is committed survives a power cut: "about to post" must never be forgotten.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its lock at once: otherwise two of them could read first and then deadlock.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return Store(engine)


def backup(source: Path, target: Path) -> None:
    """Copy a database that may be in use, as of one moment.

    Raises `StoreError` when the target exists or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} exists already. Name a file that does not, so that no backup is lost.")
    try:
        with _closing(sqlite3.connect(source)) as old, _closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise StoreError(
            f"The backup of {source} to {target} failed: {error}. Name a file in a folder that can be written and has room."
        ) from error


@contextmanager
def _closing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _named_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except OperationalError as error:
        if "locked" in str(error.orig):
            raise DatabaseBusy from error
        raise _unusable(engine, error) from error
    except DatabaseError as error:
        raise _unusable(engine, error) from error


def _unusable(engine: Engine, error: DatabaseError) -> StoreError:
    """SQLite's words about a file that cannot be used, and what to do."""
    reason = str(error.orig)
    remedy = next((remedy for word, remedy in _REMEDIES.items() if word in reason), "")
    return StoreError(f"The database {engine.url.database} cannot be used: {reason}.{remedy}")
