"""`autograd-bot replay`: the main job over an archive, once for each post, whatever interrupts it."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from bot.store.engine import database_file
from tests.cli.typed import Type, assert_is_an_answer, begun, ended

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

DEFINES = "```python\nimport torch\nx = torch.arange({}.0, requires_grad=True)\ny = x * x\n```\n"
FAILS = "Why does this fail?\n\n```python\ny.backward()\n```\n"
WHOLE = "Why?\n\n```python\nimport torch\nx = torch.arange({}.0, requires_grad=True)\n(x * x).backward()\n```\n"


def topic(number: int, *texts: str) -> str:
    posts = [
        {"id": 100 * number + place, "post_number": place, "username": "harbour", "raw": text}
        for place, text in enumerate(texts, start=1)
    ]
    return json.dumps({"id": number, "title": f"Topic {number}", "post_stream": {"posts": posts}})


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with a topic, a file of posts, and what is neither."""
    folder = tmp_path / "archive"
    write(folder / "a" / "thread.json", topic(1, f"I have:\n\n{DEFINES.format(4)}", FAILS, DEFINES.format(2), FAILS))
    write(folder / "b.jsonl", json.dumps({"id": "q", "title": "Alone", "body": WHOLE.format(3)}) + "\nnot JSON\n")
    write(folder / "c.json", "{")
    write(folder / "d.json", b"\xff")
    write(folder / "e.json", json.dumps({"post_stream": {"posts": [{"post_number": 1, "cooked": "<p>x</p>"}]}}))
    write(folder / "notes.txt", "not looked at")
    return folder


def kept(data: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(database_file(data))
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


class TestAnArchive:
    def test_json_has_one_object_a_post_and_names_what_is_none(self, running: Type, archive: Path) -> None:
        ended = running("replay", archive, "--json")

        assert ended.code == 0
        posts = [record for record in ended.records if "error" not in record]
        for record in posts:
            assert_is_an_answer(record, "post_number")
        assert [(record["id"], record["post_number"]) for record in posts] == [
            *(("101", 1), ("102", 2), ("103", 3), ("104", 4)),
            ("q", 1),
        ]
        errors = [record["error"].split(": ")[0] for record in ended.records if "error" in record]
        wrong = [f"{archive}/b.jsonl, line 2", *(f"{archive}/{name}.json" for name in "cde")]
        assert errors == wrong
        assert [line.split(": ")[1] for line in ended.err.splitlines()] == wrong

    def test_each_post_sees_the_posts_with_lower_numbers_and_no_later_ones(self, running: Type, archive: Path) -> None:
        by_number = {record["post_number"]: record for record in running("replay", archive / "a", "--json").records}

        assert by_number[2]["snippet"]["code"].startswith("import torch\nx = torch.arange(4.0")
        assert by_number[2]["snippet"]["assumptions"] == ["y is taken from post 1"]
        assert by_number[4]["snippet"]["code"].startswith("import torch\nx = torch.arange(2.0")
        assert by_number[4]["snippet"]["assumptions"] == ["y is taken from post 3"]

    def test_people_read_a_table_a_count_and_what_was_left_out(self, running: Type, archive: Path) -> None:
        ended = running("replay", archive)

        header, *rows, count = ended.out.splitlines()
        assert ended.code == 0
        assert header.split() == ["post", "confusion", "reproduced", "repair", "verified", "draft"]
        assert [" ".join(row.split()) for row in rows[1:]] == [
            "Topic 1 #2 harbour non_scalar_backward yes yes 1 (en)",
            *(" ".join(rows[2].split()),),
            "Topic 1 #4 harbour non_scalar_backward yes yes 2 (en)",
            "Alone #1 non_scalar_backward yes yes 3 (en)",
        ]
        assert count == "5 posts looked at, 3 drafts wait for a moderator, 0 known before."
        assert [line.split(": ")[0] for line in ended.err.splitlines()] == ["left out"] * 4
        assert "\x1b" not in ended.out + ended.err

    def test_a_second_run_finds_nothing_new_and_prints_the_same(
        self, running: Type, archive: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = running("replay", archive, "--json").records
        monkeypatch.setenv("AUTOGRAD_BOT_SANDBOX__SOCKET", "/no/such/socket")  # nothing has to be run

        assert running("replay", archive, "--json").records == first
        assert running("replay", archive).out == "Nothing new: all 5 posts were answered before.\n"

    def test_again_answers_anew_and_makes_no_second_draft(self, running: Type, archive: Path, tmp_path: Path) -> None:
        running("replay", archive)

        ended = running("replay", archive, "--again")

        assert ended.out.splitlines()[-1] == "5 posts looked at, 0 drafts wait for a moderator, 0 known before."
        assert kept(tmp_path / "data", "SELECT count(*) FROM answers") == [(10,)]
        assert kept(tmp_path / "data", "SELECT count(*) FROM drafts") == [(3,)]

    def test_a_post_that_was_edited_is_answered_anew_and_back_again_is_known(
        self, running: Type, tmp_path: Path
    ) -> None:
        file = write(tmp_path / "t.json", topic(1, WHOLE.format(3)))
        first = running("replay", file, "--json").record
        write(file, topic(1, WHOLE.format(5)))
        second = running("replay", file, "--json").record
        write(file, topic(1, WHOLE.format(3)))

        assert "arange(5.0" in second["snippet"]["code"]
        assert running("replay", file, "--json").record == first


class TestNothingToRead:
    def test_a_path_that_is_not_there_is_named_and_nothing_is_made(self, running: Type, tmp_path: Path) -> None:
        ended = running("replay", "nowhere", "--json")

        assert (ended.code, ended.complaint) == (2, "nowhere: there is no such file or folder.\n")
        assert not (tmp_path / "data").exists()

    def test_a_folder_without_archives_is_told_what_it_should_hold(self, running: Type, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()

        ended = running("replay", tmp_path / "empty")

        assert (ended.code, "no .json, .jsonl, .ndjson file" in ended.complaint) == (2, True)

    def test_a_single_file_that_is_no_archive_is_an_error(self, running: Type, tmp_path: Path) -> None:
        ended = running("replay", write(tmp_path / "c.json", "{"))

        assert ended.code == 2
        assert ended.complaint.startswith(f"{tmp_path}/c.json: column 2 is not JSON")


@pytest.mark.slow
class TestInterrupted:
    POSTS = 30  # more than can be answered while the signal is on its way

    @pytest.fixture
    def long(self, tmp_path: Path) -> Path:
        lines = [{"id": str(n), "title": "", "body": WHOLE.format(n)} for n in range(2, 2 + self.POSTS)]
        return write(tmp_path / "long.jsonl", "\n".join(map(json.dumps, lines)))

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
    def test_what_was_finished_is_kept_and_the_next_run_goes_on(
        self, running: Type, long: Path, tmp_path: Path, number: signal.Signals, code: int
    ) -> None:
        """Ctrl-C reaches every process of the terminal's group; a kill nothing can be done about."""
        data = tmp_path / "data"
        process = begun("--data", data, "replay", long, "--json")
        assert process.stdout is not None
        printed = [json.loads(process.stdout.readline())["id"] for _ in range(2)]
        with watched(descendants(process.pid)) as ends:
            os.killpg(process.pid, number)
            out, err = process.communicate(timeout=60)  # read on: it may be writing to a full pipe
            assert ends(seconds=20), "a process is left behind"

        printed += [json.loads(line)["id"] for line in out.splitlines()]
        assert process.returncode == code
        assert err.splitlines()[:1] == (
            ["autograd-bot: interrupted; what was finished is kept"] if number is signal.SIGINT else []
        )
        answers = [str(row[0]) for row in kept(data, "SELECT post_id FROM answers ORDER BY id")]
        assert printed == answers[: len(printed)]
        assert len(printed) <= len(answers) <= len(printed) + 1  # kept, and not yet printed
        assert len(answers) < self.POSTS
        assert kept(data, "SELECT post_id FROM drafts ORDER BY id") == [(answer,) for answer in answers]
        assert kept(data, "PRAGMA integrity_check") == [("ok",)]
        assert [path.name for path in data.iterdir() if not path.name.startswith(database_file(data).name)] == []

        after = running("replay", long)

        rest = self.POSTS - len(answers)
        assert after.out.splitlines()[-1] == (
            f"{rest} posts looked at, {rest} drafts wait for a moderator, {len(answers)} known before."
        )
        assert len(kept(data, "SELECT DISTINCT post_id FROM drafts")) == self.POSTS


def test_the_bots_process_never_loads_torch(service: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "posts.jsonl", json.dumps({"id": "q", "title": "", "body": WHOLE.format(3)}))

    end, loaded = ended(
        begun("--data", tmp_path / "data", "replay", file, env={"AUTOGRAD_BOT_SANDBOX__SOCKET": str(service)})
    )

    assert end.out.splitlines()[-1] == "1 posts looked at, 1 drafts wait for a moderator, 0 known before."
    assert loaded == {"torch": False, "numpy": False, "matplotlib": False}


def descendants(process: int) -> list[int]:
    """The processes that this one has started, and those have."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        parents.setdefault(int(words[1]), []).append(int(stat.parent.name))
    found = [process]
    for one in found:
        found.extend(parents.get(one, ()))
    return found[1:]


@contextmanager
def watched(processes: list[int]) -> Iterator[Callable[..., bool]]:
    """Tells whether all of them end within so many seconds."""
    assert processes
    with ExitStack() as opened:
        handles: list[int] = []
        for process in processes:
            with suppress(ProcessLookupError):  # a run's process, which has ended since it was seen
                handles.append(os.pidfd_open(process))
                opened.callback(os.close, handles[-1])

        def end(*, seconds: float) -> bool:
            for handle in handles:
                poll = select.poll()
                poll.register(handle, select.POLLIN)
                if not poll.poll(seconds * 1000):
                    return False
            return True

        yield end
