"""Opens what the commands about drafts work on: the database, one draft in hand, one decision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.errors import NotFound

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.draft import Decision, Draft
    from bot.store.engine import Connection, Store
    from bot.store.replies import Outcome


def has_database(context: Context) -> bool:
    """Whether there is a database at all; a command that looks for drafts does not make one."""
    from bot.store.engine import database_file

    return database_file(context.data).exists()


@contextmanager
def opened(context: Context) -> Iterator[Store]:
    """The database. Raises `NotFound` where there is none."""
    from bot.store.opening import open_store

    if not has_database(context):
        raise NotFound(f"{context.data} holds no drafts yet. `autograd-bot replay PATH` or `poll --once` makes some.")
    store = open_store(context.data)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def in_hand(context: Context, store: Store, number: int, *, by: str) -> Iterator[Draft]:
    """The draft, kept from others while this person works on it."""
    from bot import review

    with store.writing() as connection:
        held = review.claim(connection, number, by=by, now=datetime.now(UTC), settings=context.settings.review)
    try:
        yield held
    finally:
        with store.writing() as connection:
            review.release_if_held(connection, number, by=by)


def whole(store: Store, number: int) -> tuple[Draft, Sequence[Decision], Sequence[Outcome]]:
    """The draft, what was decided about it, and what became of its reply."""
    from bot.store import decisions, drafts, replies

    with store.reading() as connection:
        return (
            drafts.get(connection, number),
            decisions.of_draft(connection, number),
            replies.outcomes_of(connection, number),
        )


@contextmanager
def deciding(context: Context, number: int, revision: int | None) -> Iterator[tuple[Connection, Draft, datetime]]:
    """One transaction, the draft as the person has read it, and the time."""
    from dataclasses import replace

    from bot.store import drafts

    with opened(context) as store, store.writing() as connection:
        draft = drafts.get(connection, number)
        yield connection, replace(draft, revision=revision or draft.revision), datetime.now(UTC)
