from __future__ import annotations

import sqlite3
import stat
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Inspector, create_engine, inspect

from bot.errors import SchemaOutdated, StoreError
from bot.store.engine import Store, database_file
from bot.store.opening import migrations_folder, open_store, upgrade
from bot.store.tables import SCHEMA, metadata


def test_the_migrations_make_the_tables_of_the_program(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_the_same_indexes_and_keys(store: Store) -> None:
    direct = create_engine("sqlite://")
    metadata.create_all(direct)

    assert described(inspect(store.engine)) == described(inspect(direct))


def test_the_last_migration_has_the_number_that_the_program_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))

    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_migrations_import_nothing_of_the_program() -> None:
    for file in (migrations_folder() / "versions").glob("*.py"):
        assert "bot" not in file.read_text(encoding="utf-8").split("def upgrade")[0].split('"""')[2]


def test_a_missing_database_is_made_for_this_user_alone(tmp_path: Path) -> None:
    data = tmp_path / "not" / "there"

    open_store(data).close()

    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert database_file(data).exists()


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    upgrade(tmp_path)
    upgrade(tmp_path)

    open_store(tmp_path).close()


def test_an_older_database_is_refused_and_says_what_to_type(tmp_path: Path) -> None:
    set_version(tmp_path, "0000")

    with pytest.raises(SchemaOutdated, match="autograd-bot db upgrade"):
        open_store(tmp_path)


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    set_version(tmp_path, "9999")

    with pytest.raises(SchemaOutdated, match="newer autograd-bot"):
        open_store(tmp_path)
    with pytest.raises(SchemaOutdated, match="newer autograd-bot"):
        upgrade(tmp_path)


def test_a_database_that_was_only_begun_is_made(tmp_path: Path) -> None:
    database_file(tmp_path).touch()

    open_store(tmp_path).close()
    open_store(tmp_path).close()


def test_processes_that_open_a_new_database_at_once_do_not_meet(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for store in pool.map(open_store, [tmp_path] * 8):
            store.close()


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    database_file(tmp_path).write_text("a diary, and a long one at that " * 40, encoding="utf-8")

    with pytest.raises(StoreError, match="not a database"):
        open_store(tmp_path)


def test_the_database_of_another_program_is_refused_in_words(tmp_path: Path) -> None:
    with sqlite3.connect(database_file(tmp_path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()

    with pytest.raises(StoreError, match="not a database of autograd-bot"):
        open_store(tmp_path)
    with pytest.raises(StoreError, match="not a database of autograd-bot"):
        upgrade(tmp_path)


def test_a_data_directory_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="--data"):
        open_store(tmp_path / "file" / "data")


def test_a_percent_sign_in_a_path_does_no_harm(tmp_path: Path) -> None:
    open_store(tmp_path / "100%").close()

    assert database_file(tmp_path / "100%").exists()


def set_version(data: Path, version: str) -> None:
    upgrade(data)
    with sqlite3.connect(database_file(data)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.close()


def described(found: Inspector) -> dict[str, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLite's inspector cannot say everything about expressions
        return {
            table: (
                sorted((index["name"] or "", tuple(index["column_names"])) for index in found.get_indexes(table)),
                [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)],
                sorted((key["constrained_columns"], key["referred_table"]) for key in found.get_foreign_keys(table)),
                found.get_pk_constraint(table),
                sorted((key["name"] or "", tuple(key["column_names"])) for key in found.get_unique_constraints(table)),
            )
            for table in found.get_table_names()
            if table != "alembic_version"
        }
