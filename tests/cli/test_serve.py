"""`poll --once`, `serve` and `web` as processes: what they do, what they write, and how they end."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.app import exit_code_of
from bot.store.engine import database_file
from tests.cli.typed import Type, begun, ended
from tests.fake_discourse import FakeDiscourse
from tests.fake_discourse.server import READ_KEY

NO_LIBRARIES = {"torch": False, "numpy": False, "matplotlib": False}
WATCHED = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "work")


def test_poll_goes_one_round_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["--data", str(tmp_path), "poll"]) == 2
    assert "poll --once" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["poll", "--once"], ["serve"]])
def test_without_a_forum_the_setting_is_named(typed: Type, command: list[str]) -> None:
    ended = typed(*command)

    assert (ended.code, "forum.url" in ended.complaint) == (2, True)


@pytest.mark.sandbox
@pytest.mark.slow
def test_a_forum_that_cannot_be_reached_ends_the_round_with_its_exit_code(
    running: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"URL": "http://127.0.0.1:1", "READ_KEY": "r", "CATEGORIES": "[5]"}.items():
        monkeypatch.setenv(f"AUTOGRAD_BOT_FORUM__{name}", value)

    ended = running("poll", "--once", "--json")

    assert ended.code == 4
    assert ended.err.splitlines()[-1].startswith("autograd-bot: /posts.json: ")
    assert [(record["job"], record["error"] is None) for record in ended.records] == [
        *(("poll", False), ("settle", True)),
        *(("publish", True), ("watch", True)),
    ]


@pytest.fixture
def data(tmp_path: Path, fake_discourse: FakeDiscourse) -> Path:
    """A data directory whose settings name a forum with questions."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "settings.toml").write_text(
        f'[forum]\nurl = "{fake_discourse.url}"\nread_key = "{READ_KEY}"\ncategories = [5]\nreads_per_minute = 60\n'
        "[intake]\nlongest_age_days = 36500\nsettle_seconds = 0\n[web]\nport = 0\n",
        encoding="utf-8",
    )
    return folder


def ask(forum: FakeDiscourse, questions: int) -> None:
    for number in range(2, 2 + questions):
        code = f"import torch\nx = torch.arange({number}.0, requires_grad=True)\n(x * x).backward()"
        forum.add_topic(f"Question {number}", f"Why does this fail?\n\n```python\n{code}\n```", by="student")


class Watched:
    """A command in folders that must be left as they are."""

    def __init__(self, place: Path, *words: object, env: dict[str, str] | None = None) -> None:
        self.folders = {name: place / f"watched-{name}" for name in WATCHED}
        for folder in self.folders.values():
            folder.mkdir(exist_ok=True)
        environment = {name: str(folder) for name, folder in self.folders.items() if name != "work"}
        self.process = begun(*words, env={**environment, **(env or {})}, cwd=self.folders["work"])

    def left_behind(self) -> list[Path]:
        return [path for folder in self.folders.values() for path in folder.rglob("*")]

    def wait_for(self, event: str) -> None:
        """Until the log tells of this event."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("{") and json.loads(line)["event"] == event:
                return
        pytest.fail(f"it ended before {event!r}")


@pytest.fixture
def kept() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ended with the test, whatever becomes of it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database_file(data))
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.sandbox
@pytest.mark.slow
class TestProcesses:
    def test_a_round_reads_answers_and_leaves_no_trace_outside_the_data_directory(
        self, data: Path, fake_discourse: FakeDiscourse, service: Path, tmp_path: Path
    ) -> None:
        ask(fake_discourse, 2)
        socket = {"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service)}

        first = Watched(tmp_path, "--data", data, "poll", "--once", env=socket)
        told, loaded = ended(first.process)

        assert told.code == 0
        assert told.out.splitlines() == [
            "poll     2 new posts wait",
            "settle   2 posts looked at, 2 drafts, 0 failed",
            "publish  nothing due",
            "watch    2 looked at, 0 old drafts dropped",
        ]
        assert loaded == NO_LIBRARIES
        assert first.left_behind() == []
        second = Watched(tmp_path, "--data", data, "poll", "--once", "--json", env=socket)
        told, _ = ended(second.process)
        assert [record["note"] for record in told.records][:2] == [
            "0 new posts wait",
            "0 posts looked at, 0 drafts, 0 failed",
        ]
        assert rows(data, "SELECT state FROM drafts") == [("pending",), ("pending",)]

    @pytest.mark.slow
    @pytest.mark.parametrize("to_all", [True, False], ids=["Ctrl-C", "SIGTERM"])
    def test_a_round_that_is_interrupted_finishes_the_post_in_hand(
        self, data: Path, fake_discourse: FakeDiscourse, tmp_path: Path, to_all: bool, running: Type,
        kept: list[subprocess.Popen[str]],
    ) -> None:  # fmt: skip
        """Ctrl-C reaches every process of the terminal's group, those of the sandbox too; SIGTERM only this one."""
        ask(fake_discourse, 8)
        round_ = Watched(tmp_path, "--data", data, "poll", "--once")
        kept.append(round_.process)
        round_.wait_for("answered")

        os.killpg(round_.process.pid, signal.SIGINT) if to_all else round_.process.terminate()
        told, _ = ended(round_.process)

        assert told.code == 130, told.err
        assert told.err.splitlines()[-1] == "autograd-bot: interrupted; what was finished is kept"
        assert '"level": "error"' not in told.err
        answered = rows(data, "SELECT post_id FROM answers")
        assert 1 <= len(answered) < 8
        assert rows(data, "SELECT id FROM posts WHERE state = 'answered' ORDER BY seen_at, id") == answered
        assert rows(data, "SELECT post_id FROM drafts") == answered
        assert rows(data, "SELECT count(*) FROM troubles") == [(0,)]
        assert rows(data, "SELECT name FROM jobs WHERE finished_at IS NULL") == []
        assert round_.left_behind() == []
        assert running("poll", "--once").code == 0
        assert rows(data, "SELECT count(*), count(DISTINCT post_id) FROM drafts") == [(8, 8)]

    def test_serve_ends_in_good_order_and_leaves_no_trace(
        self, data: Path, fake_discourse: FakeDiscourse, service: Path, tmp_path: Path,
        kept: list[subprocess.Popen[str]],
    ) -> None:  # fmt: skip
        ask(fake_discourse, 1)
        served = Watched(tmp_path, "--data", data, "serve", env={"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service)})
        kept.append(served.process)
        served.wait_for("answered")

        served.process.terminate()
        told, loaded = ended(served.process)

        assert told.code == 0
        assert loaded == NO_LIBRARIES
        assert served.left_behind() == []
        page, link = told.out.splitlines()
        assert page.startswith("The moderators' page: http://127.0.0.1:")
        assert link.startswith("Sign in once, within an hour: http://127.0.0.1:")

    @pytest.mark.parametrize(
        ("forum", "number"), [(True, signal.SIGTERM), (False, signal.SIGINT)], ids=["of a forum", "of the sample forum"]
    )
    def test_the_page_alone_ends_in_good_order_and_leaves_no_trace(
        self, data: Path, service: Path, tmp_path: Path, number: signal.Signals, forum: bool,
        kept: list[subprocess.Popen[str]],
    ) -> None:  # fmt: skip
        if not forum:
            (data / "settings.toml").write_text("[web]\nport = 0\n", encoding="utf-8")
        page = Watched(tmp_path, "--data", data, "web", env={"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service)})
        kept.append(page.process)
        assert page.process.stdout is not None
        assert page.process.stdout.readline().startswith("The moderators' page: http://127.0.0.1:")

        os.killpg(page.process.pid, number)
        told, loaded = ended(page.process)

        assert (told.code, "Traceback" in told.err) == (0, False)
        assert loaded == NO_LIBRARIES
        assert page.left_behind() == []
