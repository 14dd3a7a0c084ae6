from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from bot.cli.app import exit_code_of
from bot.store.engine import Store, database_file
from bot.store.opening import open_store
from tests.review_examples import current, draft


def run(data: Path, *words: str) -> int:
    return exit_code_of(["--data", str(data), *words])


def test_upgrade_makes_a_database_and_may_be_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "new", "db", "upgrade") == 0
    assert run(tmp_path / "new", "db", "upgrade") == 0

    assert "has schema" in capsys.readouterr().out
    open_store(tmp_path / "new").close()


def test_a_backup_can_be_put_back(store: Store, tmp_path: Path) -> None:
    kept = draft(store)

    assert run(tmp_path / "data", "db", "backup", str(tmp_path / "copy.sqlite3")) == 0

    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copy(tmp_path / "copy.sqlite3", database_file(restored))
    again = open_store(restored)
    assert current(again, kept.id) == kept
    again.close()


def test_a_backup_of_nothing_or_onto_something_is_refused(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "empty", "db", "backup", str(tmp_path / "copy")) == 2
    assert "nothing to back up" in capsys.readouterr().err
    (tmp_path / "there").touch()
    assert run(tmp_path / "data", "db", "backup", str(tmp_path / "there")) == 6
    assert "exists already" in capsys.readouterr().err
    assert not (tmp_path / "empty").exists()
    assert run(tmp_path / "data", "db", "backup", str(tmp_path / "nowhere" / "copy")) == 6
    assert "Name a file in a folder that can be written and has room." in capsys.readouterr().err


def test_the_versions_of_the_program_and_of_torch_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["version"]) == 0

    own, torch = version("autograd-bot"), version("torch")
    assert capsys.readouterr().out == f"autograd-bot {own} (torch {torch} in the sandbox)\n"
