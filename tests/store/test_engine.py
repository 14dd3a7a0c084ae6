from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from bot.domain.post import PostState
from bot.errors import DatabaseBusy, StoreError
from bot.store import engine, marks, posts
from bot.store.engine import Store, backup, database_file
from bot.store.opening import open_store
from tests.review_examples import NOON, approved, current, post


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store) -> None:
    def keep_and_fall_over() -> None:
        with store.writing() as connection:
            marks.keep(connection, "mark", "7", now=NOON)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_and_fall_over()

    with store.reading() as connection:
        assert marks.value(connection, "mark") is None


def test_a_mark_is_kept_replaced_and_forgotten(store: Store) -> None:
    with store.writing() as connection:
        marks.keep(connection, "mark", "7", now=NOON)
        marks.keep(connection, "mark", "8", now=NOON + timedelta(hours=1))
        assert marks.value(connection, "mark") == "8"
        assert marks.kept_at(connection, "mark") == NOON + timedelta(hours=1)
        marks.forget(connection, "mark")
        assert marks.value(connection, "mark") is None


def test_times_come_back_in_utc_whatever_zone_they_went_in_with(store: Store) -> None:
    shanghai = timezone(timedelta(hours=8))
    with store.writing() as connection:
        marks.keep(connection, "mark", "", now=datetime(2026, 3, 2, 20, 0, tzinfo=shanghai))

        kept = marks.kept_at(connection, "mark")
    assert kept == NOON
    assert kept is not None
    assert kept.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with store.writing() as connection, pytest.raises(StatementError, match="no time zone"):
        marks.keep(connection, "mark", "", now=NOON.replace(tzinfo=None))


def test_enums_lie_in_the_database_as_their_words(store: Store) -> None:
    with store.writing() as connection:
        posts.skip(connection, post(), reason="thanks", now=NOON)
        row = connection.execute(text("SELECT state FROM posts")).one()

    assert row.state == PostState.SKIPPED.value


def test_a_reference_to_nothing_is_refused(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(text("INSERT INTO revisions VALUES (99, 1, 'mei', '2026-03-02', 'x')"))


def test_a_writer_that_waits_too_long_is_told_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.01)
    impatient = engine.connect(database_file(tmp_path / "data"))

    with (
        store.writing(),
        pytest.raises(DatabaseBusy, match="Another process holds the database"),
        impatient.writing(),
    ):
        pass
    impatient.close()


def test_readers_see_one_state_while_a_writer_works(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "data")
    with store.writing() as connection:
        marks.keep(connection, "mark", "7", now=NOON)
        with other.reading() as reading:
            assert marks.value(reading, "mark") is None
    with other.reading() as reading:
        assert marks.value(reading, "mark") == "7"
    other.close()


def test_a_backup_is_a_whole_database(store: Store, tmp_path: Path) -> None:
    draft = approved(store)
    copied = tmp_path / "copy"
    copied.mkdir()

    backup(database_file(tmp_path / "data"), database_file(copied))

    restored = open_store(copied)
    assert current(restored, draft.id) == draft
    restored.close()


def test_a_backup_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("last year's backup", encoding="utf-8")

    with pytest.raises(StoreError, match="exists already"):
        backup(database_file(tmp_path / "data"), target)
    assert target.read_text(encoding="utf-8") == "last year's backup"


def test_a_backup_that_fails_says_so_and_leaves_no_half(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "no" / "such" / "folder"

    with pytest.raises(StoreError, match="failed"):
        backup(database_file(tmp_path / "data"), target)


def test_what_is_committed_is_on_the_disk_before_anything_is_sent(store: Store) -> None:
    with store.reading() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_the_database_can_be_read_by_other_tools(store: Store, tmp_path: Path) -> None:
    approved(store)
    connection = sqlite3.connect(database_file(tmp_path / "data"))
    (state,) = connection.execute("SELECT state FROM drafts").fetchone()
    connection.close()

    assert state == "approved"
