"""`autograd-bot serve` as a process: it works, keeps a second one away, and ends well when told to."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.store.engine import database_file
from tests.fake_discourse import FakeDiscourse
from tests.fake_discourse.server import READ_KEY

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture
def data(tmp_path: Path, fake_discourse: FakeDiscourse) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "settings.toml").write_text(
        f'[forum]\nurl = "{fake_discourse.url}"\nread_key = "{READ_KEY}"\ncategories = [5]\nreads_per_minute = 60\n'
        "[intake]\nlongest_age_days = 36500\nsettle_seconds = 0\n"
        "[web]\nport = 0\n",
        encoding="utf-8",
    )
    return folder


@contextmanager
def serving(data: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bot", "--data", str(data), "serve"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(process: subprocess.Popen[str], data: Path, query: str) -> None:
    """Until the database answers the query with anything."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connection = sqlite3.connect(database_file(data), timeout=5)
            try:
                if connection.execute(query).fetchone():
                    return
            finally:
                connection.close()
        except sqlite3.OperationalError:  # not made yet
            pass
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"never: {query}\n{process.communicate()[1]}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(data: Path, fake_discourse: FakeDiscourse, number: signal.Signals) -> None:
    fake_discourse.add_topic(
        "Chapter 2.5", "```python\nimport torch\ntorch.ones(2).backward()\n```\nwhy?", by="student"
    )
    with serving(data) as process:
        wait_until(process, data, "SELECT 1 FROM answers")
        process.send_signal(number)
        _, said = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "Traceback" not in said
    connection = sqlite3.connect(database_file(data))
    assert connection.execute("SELECT state FROM posts").fetchall() == [("answered",)]
    assert connection.execute("SELECT name FROM jobs WHERE finished_at IS NULL").fetchall() == []
    connection.close()


def test_a_second_one_on_the_same_data_is_told_so(data: Path) -> None:
    with serving(data) as process:
        wait_until(process, data, "SELECT 1 FROM jobs")
        second = subprocess.run(
            [sys.executable, "-m", "bot", "--data", str(data), "serve"],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert second.returncode == 6
    assert second.stderr.splitlines()[-1].startswith("autograd-bot: Another autograd-bot does the main job on")
