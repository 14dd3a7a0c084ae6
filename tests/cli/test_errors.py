"""What goes wrong is said in a line or two with what to do, and ends with a documented exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest
import typer
from typer.core import TyperGroup

from bot import reference
from bot.cli.app import app, exit_code_of
from bot.library import shipped_folder
from bot.store.engine import Store, database_file
from tests.cli.typed import ROOT, Ended, Type
from tests.review_examples import draft

POST = b"```python\nimport torch\ntorch.ones(2, requires_grad=True).backward()\n```\nwhy?"


class TestSettings:
    @pytest.mark.parametrize(
        ("toml", "said"),
        [
            ("[forum]\nurll = 'x'", 'setting forum.urll: there is no such setting. Did you mean "forum.url"'),
            ("[fourm]\nurl = 'x'", "setting fourm: there is no such setting."),
            ("[sandbox]\nseconds = 'many'", "setting sandbox.seconds: Input should be a valid number"),
            ("[sandbox]\nseconds = -1", "setting sandbox.seconds: Input should be greater than 0."),
            ("[forum]\ncategories = ['five']", "setting forum.categories.0: Input should be a valid integer"),
            ("[forum]\nurl = 'forum.example.org'", "setting forum.url: Value error, must begin with https://"),
            ("log_level = 'loud'", "setting log_level: Input should be 'debug', 'info'"),
            ("[sandbox", "Expected ']' at the end of a table declaration"),
            ("log_level = 'a'\nlog_level = 'b'", "Cannot overwrite a value"),
            (b"\xff", "cannot be read"),
        ],
    )
    def test_a_bad_setting_is_named_with_where_to_change_it(
        self, typed: Type, tmp_path: Path, toml: str | bytes, said: str
    ) -> None:
        file = tmp_path / "data" / "settings.toml"
        file.parent.mkdir()
        file.write_bytes(toml if isinstance(toml, bytes) else toml.encode())

        ended = typed("answer", "--json", typed_in=POST)

        assert ended.code == 2
        assert said in ended.complaint
        assert str(file) in ended.complaint

    @pytest.mark.parametrize(
        ("variable", "value", "said"),
        [
            ("FORUM__CATEGORIES", "five", "the environment's AUTOGRAD_BOT_FORUM__CATEGORIES: a list or a table is"),
            ("FORUM", "x", "the environment's AUTOGRAD_BOT_FORUM: a list or a table is written as JSON"),
            (
                "FORUM_URL",
                "x",
                "the environment's AUTOGRAD_BOT_FORUM_URL: there is no such setting. Did you mean \"for",
            ),
            ("FORUM__URLL", "x", 'setting forum.urll: there is no such setting. Did you mean "forum.url"'),
            ("SANDBOX__SECONDS", "x", "setting sandbox.seconds: Input should be a valid number"),
        ],
    )
    def test_a_bad_setting_of_the_environment_is_named(
        self, typed: Type, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
    ) -> None:
        monkeypatch.setenv(f"AUTOGRAD_BOT_{variable}", value)
        monkeypatch.setenv("AUTOGRAD_BOT_LOG_LEVEL", "info")

        ended = typed("run", "--json", typed_in=b"1")

        assert ended.code == 2
        assert ended.complaint.startswith(said)
        assert "AUTOGRAD_BOT_LOG_LEVEL" not in ended.complaint


class TestDatabase:
    def older(self, data: Path, version: str) -> None:
        connection = sqlite3.connect(database_file(data))
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()
        connection.close()

    @pytest.mark.parametrize("command", [["drafts", "list"], ["drafts", "show", "1"], ["knowledge", "stats", "--json"]])
    def test_an_outdated_database_says_how_to_bring_it_up_to_date(
        self, typed: Type, store: Store, tmp_path: Path, command: list[str]
    ) -> None:
        self.older(tmp_path / "data", "0001")

        ended = typed(*command)

        assert ended.code == 6
        assert ended.complaint.endswith("Run `autograd-bot db upgrade`.\n")

    def test_a_newer_database_is_left_alone(self, typed: Type, store: Store, tmp_path: Path) -> None:
        self.older(tmp_path / "data", "9999")

        for command in (["drafts", "list", "--json"], ["db", "upgrade"]):
            ended = typed(*command)
            assert (ended.code, "was made by a newer autograd-bot" in ended.complaint) == (6, True)

    @pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for one" * 20, b"\0" * 4096])
    def test_a_file_that_is_no_database_is_named(self, typed: Type, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "data").mkdir()
        database_file(tmp_path / "data").write_bytes(content)

        ended = typed("drafts", "list", "--json")

        assert ended.code == 6
        assert f"{database_file(tmp_path / 'data')} cannot be used: file is not a database" in ended.complaint
        assert database_file(tmp_path / "data").read_bytes() == content

    def test_a_database_of_another_program_is_not_touched(self, typed: Type, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        connection = sqlite3.connect(database_file(tmp_path / "data"))
        connection.execute("CREATE TABLE theirs (x)")
        connection.close()

        for command in (["drafts", "list", "--json"], ["db", "upgrade"]):
            ended = typed(*command)
            assert (ended.code, "is not a database of autograd-bot" in ended.complaint) == (6, True)

    def test_a_data_directory_that_is_a_file_is_named(self, typed: Type, tmp_path: Path) -> None:
        (tmp_path / "data").touch()

        ended = typed("drafts", "list", "--json")

        assert ended.code == 2
        assert ended.complaint == f"The data directory {tmp_path}/data is a file. Name a folder with --data.\n"


@pytest.mark.sandbox
@pytest.mark.slow
class TestMachines:
    """Machines that lack something, made with the jail's own tool: a mount over what is to be missing."""

    def command(self, *words: object, mounts: Sequence[object], typed_in: bytes = b"") -> Ended:
        if shutil.which("bwrap") is None:
            pytest.skip("no bubblewrap to make such a machine with")
        here = ["bwrap", "--dev-bind", "/", "/", *map(str, mounts), "--chdir", str(ROOT), "--"]
        done = subprocess.run(
            [*here, sys.executable, "-m", "bot", *map(str, words)],
            input=typed_in, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    @pytest.mark.parametrize(
        "words",
        [
            *(["run", "--json"], ["answer", "--json"], ["replay", "post.jsonl", "--json"]),
            *(["poll", "--once", "--json"], ["serve"], ["web"], ["knowledge", "check", "non_leaf_grad", "--json"]),
        ],
        ids=lambda words: words[0],
    )
    def test_without_bubblewrap_nothing_is_run_and_the_line_to_type_is_said(
        self, tmp_path: Path, words: list[str]
    ) -> None:
        without = ["--ro-bind", "/dev/null", shutil.which("bwrap") or ""]
        (tmp_path / "settings.toml").write_text(
            '[forum]\nurl = "http://127.0.0.1:1"\nread_key = "r"\n', encoding="utf-8"
        )
        (tmp_path / "post.jsonl").write_text(json.dumps({"id": "1", "body": POST.decode()}), encoding="utf-8")
        words = [word.replace("post.jsonl", str(tmp_path / "post.jsonl")) for word in words]

        ended = self.command("--data", tmp_path, *words, mounts=without, typed_in=POST)

        assert ended.code == 3
        assert ended.complaint == "bubblewrap is missing. Install it: `apt-get install bubblewrap`.\n"

    def test_a_data_directory_that_cannot_be_written_is_named(self, store: Store, tmp_path: Path) -> None:
        waiting = draft(store)
        data = tmp_path / "data"
        read_only = ["--ro-bind", data, data]

        for still_open in (True, False):
            ended = self.command("--data", data, "drafts", "approve", waiting.id, mounts=read_only)
            assert ended.code == 6
            assert str(database_file(data)) in ended.complaint
            assert "or name another with --data" in ended.complaint
            if still_open:
                store.close()
        ended = self.command("--data", data / "new", "db", "upgrade", mounts=read_only)
        assert (ended.code, "cannot be made: Read-only file system" in ended.complaint) == (6, True)

    def test_an_entry_that_cannot_be_written_is_not_half_there(self, typed: Type, tmp_path: Path) -> None:
        entry = tmp_path / "entry.tar.gz"
        assert typed("knowledge", "export", "non_scalar_backward", entry).code == 0
        data = tmp_path / "data"
        data.mkdir()
        take_in = ("knowledge", "import", entry, "--over")

        read_only = self.command("--data", data, *take_in, mounts=["--ro-bind", data, data])
        assert read_only.code == 6
        assert read_only.complaint.startswith(f"{data}/knowledge/non_scalar_backward cannot be written: Read-only")
        full = self.command("--data", data, *take_in, mounts=["--size", 4096, "--tmpfs", data])
        assert (full.code, "No space left on device. Nothing was kept" in full.complaint) == (6, True)

    def test_a_full_disk_is_named_and_leaves_no_half_backup(self, store: Store, tmp_path: Path) -> None:
        small = tmp_path / "small"
        small.mkdir()
        mounts = ["--size", 65536, "--tmpfs", small]

        new = self.command("--data", small, "db", "upgrade", mounts=mounts)
        assert (new.code, "database or disk is full. Make room" in new.complaint) == (6, True)
        copy = self.command("--data", tmp_path / "data", "db", "backup", small / "copy", mounts=mounts)
        assert (copy.code, "failed: database or disk is full. Name a file" in copy.complaint) == (6, True)


class TestStreams:
    """What results are written to: a device that is full, an encoding that lacks letters."""

    def command(self, *words: object, out: int | IO[bytes] = subprocess.PIPE, **environment: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *map(str, words)],
            stdout=out, stderr=subprocess.PIPE, check=False, timeout=120, cwd=ROOT, env={**os.environ, **environment},
        )  # fmt: skip
        return Ended(done.returncode, (done.stdout or b"").decode("latin-1"), done.stderr.decode())

    @pytest.mark.parametrize("words", [["version"], ["knowledge", "list", "--json"], ["knowledge", "list"]])
    def test_a_full_device_is_said_to_be_full(self, words: list[str]) -> None:
        with Path("/dev/full").open("wb") as full:
            ended = self.command(*words, out=full)

        assert ended.code == 1
        assert ended.complaint == "No space left on device. What was finished is kept; make room and try again.\n"

    def test_json_can_be_read_whatever_the_encoding(self) -> None:
        plain = self.command("knowledge", "show", "non_leaf_grad", "--json", PYTHONIOENCODING="latin-1")

        assert (plain.code, plain.err) == (0, "")
        shown = json.loads(plain.out)
        folder = shipped_folder() / "non_leaf_grad"
        assert shown["explain"]["zh"].strip() == (folder / "explain.zh.md").read_text(encoding="utf-8").strip()

    def test_letters_that_a_terminal_lacks_are_written_out(self) -> None:
        ended = self.command("knowledge", "show", "non_leaf_grad", PYTHONIOENCODING="ascii")

        assert (ended.code, ended.err) == (0, "")
        assert "\\u4e0d" in ended.out

    def test_a_terminal_gets_colours_and_a_pipe_none(self, store: Store, tmp_path: Path) -> None:
        draft(store)
        words = ["--data", tmp_path / "data", "drafts", "list"]
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen, os.fdopen(theirs, "wb", buffering=0) as terminal:
            assert self.command(*words, out=terminal, TERM="xterm-256color", COLUMNS="200").code == 0
            seen = screen.read(1 << 16)

        assert b"\x1b[1m" in seen
        assert "\x1b" not in self.command(*words, TERM="xterm-256color").out

    def test_a_name_that_is_no_text_can_be_told(self, tmp_path: Path) -> None:
        file = os.fsencode(tmp_path) + b"/a\xff.jsonl"
        Path(os.fsdecode(file)).write_bytes(b"{\n")

        ended = self.command("--data", tmp_path / "data", "replay", os.fsdecode(file), "--json", LC_ALL="C.UTF-8")

        assert ended.code == 2
        assert ended.record["error"].startswith(f"{tmp_path}/a\udcff.jsonl, line 1: ")
        assert ended.err.startswith("autograd-bot: ")


class TestExitCodes:
    def test_the_page_and_the_help_name_every_code(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert exit_code_of(["--help"]) == 0
        told = " ".join(capsys.readouterr().out.split())

        documented = set(re.findall(r"^\| (\d+) \|", reference.exit_codes_page(), re.MULTILINE))

        assert documented == {"0", "1", "2", "3", "4", "5", "6", "7", "130"}
        for code in documented - {"1"}:
            assert re.search(rf"\b{code} [a-z]", told.partition("Exit codes:")[2]), code

    def test_a_word_that_is_no_command_is_a_usage_error(self, typed: Type) -> None:
        for words in (["answr"], ["answer", "--jsn"], ["answer", "a", "b"], ["drafts", "show", "seven"], []):
            ended = typed(*words)
            assert (ended.code, "Traceback" in ended.err) == (2, False)


def commands() -> list[list[str]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return [path[1:] for _, path in reference.commands(root)]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_help_of_a_command_has_an_example_of_it(typed: Type, words: list[str]) -> None:
    ended = typed(*words, "--help")

    assert (ended.code, ended.err) == (0, "")
    _, _, example = ended.out.partition("Example")
    assert re.search(rf"autograd-bot (--data \S+ )?{' '.join(words)}\b", example), ended.out
    assert typed(*words, "-h").out == ended.out
