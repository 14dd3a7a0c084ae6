"""`autograd-bot serve` as a process: it works, keeps a second one away, and ends well when told to."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.store.engine import database_file
from tests.fake_discourse import FakeDiscourse
from tests.fake_discourse.server import READ_KEY

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

#: A process that says nothing for so long is ended.
LONGEST_SECONDS = 120.0


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


@dataclass
class Serving:
    """The process, and what it has said on standard error so far."""

    process: subprocess.Popen[str]
    said: list[str]

    def wait_for(self, words: str) -> None:
        """Until a line of its log holds these words."""
        for line in self._lines():
            if words in line:
                return
        pytest.fail(f"It ended and never said {words}:\n{''.join(self.said)}")

    def end(self, number: signal.Signals) -> str:
        """Send the signal; everything that it has said when it is over."""
        self.process.send_signal(number)
        for _ in self._lines():
            pass
        self.process.wait()
        return "".join(self.said)

    def _lines(self) -> Iterator[str]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            yield line


@contextmanager
def serving(data: Path) -> Iterator[Serving]:
    command = [sys.executable, "-m", "bot", "--data", str(data), "serve"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        patience = threading.Timer(LONGEST_SECONDS, process.kill)  # then its log ends, and so does any waiting
        patience.start()
        try:
            yield Serving(process, [])
        finally:
            patience.cancel()
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(data: Path, fake_discourse: FakeDiscourse, number: signal.Signals) -> None:
    fake_discourse.add_topic(
        "Chapter 2.5", "```python\nimport torch\ntorch.ones(2).backward()\n```\nwhy?", by="student"
    )
    with serving(data) as first:
        first.wait_for("1 posts looked at, 1 drafts")
        said = first.end(number)

    assert first.process.returncode == 0
    assert "Traceback" not in said
    connection = sqlite3.connect(database_file(data))
    assert connection.execute("SELECT state FROM posts").fetchall() == [("answered",)]
    assert connection.execute("SELECT name FROM jobs WHERE finished_at IS NULL").fetchall() == []
    connection.close()


def test_a_second_one_on_the_same_data_is_told_so(data: Path) -> None:
    with serving(data) as first:
        first.wait_for('"event": "round"')
        second = subprocess.run(
            [sys.executable, "-m", "bot", "--data", str(data), "serve"],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert second.returncode == 6
    assert second.stderr.splitlines()[-1].startswith("autograd-bot: Another autograd-bot does the main job on")
