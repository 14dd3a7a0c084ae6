"""How the jobs of `serve` are doing, and what went wrong and waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from bot.errors import NotFound
from bot.store.engine import Connection
from bot.store.tables import jobs, troubles


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRun:
    """The last round of a job."""

    name: str
    started_at: datetime
    finished_at: datetime | None  #: None while it runs, or when the program ended in it
    succeeded_at: datetime | None  #: when a round last came to its end
    note: str  #: what the round did, or why it stopped early


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Something that went wrong and waits for a person."""

    id: int
    job: str
    post_id: str | None  #: the post in hand, if one was
    kind: str  #: class of the error
    message: str
    detail: str  #: the traceback, for whoever mends it
    times: int
    first_at: datetime
    last_at: datetime
    closed_at: datetime | None
    closed_by: str | None


def start(connection: Connection, name: str, *, now: datetime) -> None:
    """A round of the job begins."""
    row = {"started_at": now, "finished_at": None}
    if connection.execute(update(jobs).where(jobs.c.name == name).values(row)).rowcount == 0:
        connection.execute(insert(jobs).values(name=name, note="", **row))


def finish(connection: Connection, name: str, *, note: str, succeeded: bool, now: datetime) -> None:
    """The round is over."""
    row = {"finished_at": now, "note": note, **({"succeeded_at": now} if succeeded else {})}
    connection.execute(update(jobs).where(jobs.c.name == name).values(row))


def all_jobs(connection: Connection) -> list[JobRun]:
    """The last round of every job, by name."""
    return [JobRun(**row._mapping) for row in connection.execute(select(jobs).order_by(jobs.c.name))]


def add_trouble(
    connection: Connection, *, job: str, post_id: str | None, error: BaseException, detail: str, now: datetime
) -> None:
    """Keep an error for a person. One that is open already is counted, not repeated."""
    kind, message = type(error).__name__, str(error)
    same = select(troubles.c.id).where(
        troubles.c.closed_at.is_(None),
        troubles.c.job == job,
        troubles.c.post_id.is_not_distinct_from(post_id),
        troubles.c.kind == kind,
        troubles.c.message == message,
    )
    known = connection.execute(same.limit(1)).scalar()
    if known is not None:
        again = {"times": troubles.c.times + 1, "last_at": now, "detail": detail}
        connection.execute(update(troubles).where(troubles.c.id == known).values(again))
        return
    row = {"job": job, "post_id": post_id, "kind": kind, "message": message, "detail": detail}
    connection.execute(insert(troubles).values(**row, times=1, first_at=now, last_at=now))


def open_troubles(connection: Connection, *, most: int = 100) -> list[Trouble]:
    """What waits for a person, newest first."""
    query = select(troubles).where(troubles.c.closed_at.is_(None)).order_by(troubles.c.id.desc()).limit(most)
    return [Trouble(**row._mapping) for row in connection.execute(query)]


def close_trouble(connection: Connection, trouble_id: int, *, by: str, now: datetime) -> Trouble:
    """The trouble, seen to by a person. Raises `NotFound`."""
    row = {"closed_at": now, "closed_by": by}
    connection.execute(update(troubles).where(troubles.c.id == trouble_id).values(row))
    found = connection.execute(select(troubles).where(troubles.c.id == trouble_id)).first()
    if found is None:
        raise NotFound(f"There is no trouble {trouble_id}.")
    return Trouble(**found._mapping)
