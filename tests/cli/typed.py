"""What a command ended with, and what the command line has promised to other programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]

ANSWER = [
    "id", "language", "verdict", "reason", "confusion", "confidence", "also", "snippet", "before", "reported_error",
    "same_error", "repair", "after", "proof", "reply", "seconds",
]  # fmt: skip
RUN = [
    "outcome", "error", "warnings", "echoes", "stdout", "seconds", "reason", "signal", "passes", "layers",
    "memory_enforced_by",
]  # fmt: skip
PROOF = ["error_gone", "confusion_gone", "values_kept", "gradient", "minimal"]
OUTCOMES = {"finished", "raised", "timed_out", "oom", "unsupported", "refused", "not_started"}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[Any]:
        """Each line of standard output as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def record(self) -> Any:
        (only,) = self.records
        return only

    @property
    def complaint(self) -> str:
        """What an error said: in one or two lines on standard error, and nothing on standard output."""
        assert self.out == ""
        lines = self.err.splitlines()
        assert 1 <= len(lines) <= 2, self.err
        assert lines[0].startswith("autograd-bot: ")
        return self.err.removeprefix("autograd-bot: ")


class Type(Protocol):
    """Types a command line on the data directory of this test."""

    def __call__(self, *words: object, typed_in: bytes = b"") -> Ended: ...


def begun(*words: object, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """The command in a process and a process group of its own; at its end it tells of itself, see `told_at_end`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOGRAD_BOT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cli.whole_command", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, **(env or {}), "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        **{"cwd": ROOT, **options},
    )


def ended(process: subprocess.Popen[str], typed_in: str | None = None) -> tuple[Ended, dict[str, Any]]:
    """How a process of `begun` ended, and what it told of itself."""
    out, err = process.communicate(typed_in, timeout=120)
    said, _, told = err.rpartition("told at the end: ")
    return Ended(process.returncode, out, said), json.loads(told)


def assert_is_an_answer(record: Mapping[str, Any], *further: str) -> None:
    """That a record has exactly the promised keys, in their order, with values of the promised kinds."""
    assert list(record) == [*ANSWER, *further]
    assert record["language"] in ("en", "zh")
    assert 0 <= record["confidence"] <= 1
    assert all(isinstance(name, str) for name in record["also"])
    assert record["seconds"] >= 0
    assert (record["verdict"], record["reply"] is None) in (("draft", False), ("skip", True))
    for key, inner in (
        ("snippet", ["code", "assumptions"]),
        ("reported_error", ["type", "message", "line"]),
        ("repair", ["fix", "code", "diff"]),
        ("proof", PROOF),
    ):
        assert record[key] is None or list(record[key]) == inner
    for key in ("before", "after"):
        if record[key] is not None:
            assert_is_a_run(record[key])
    for check in (record["proof"] or {}).values():
        assert list(check) == ["state", "why", "numbers"]
        assert check["state"] in ("yes", "no", "not_checked")
    assert record["same_error"] is None or record["reported_error"] is not None


def assert_is_a_run(record: Mapping[str, Any], *further: str) -> None:
    """The same for a run."""
    assert list(record) == [*RUN, *further]
    assert record["outcome"] in OUTCOMES
    assert record["error"] is None or list(record["error"]) == ["type", "message", "line"]
    assert all(list(warning) == ["message", "line"] for warning in record["warnings"])
    assert all(list(echo) == ["line", "text"] for echo in record["echoes"])
    assert isinstance(record["stdout"], str)
    assert "bwrap" in record["layers"]
    assert record["memory_enforced_by"].startswith("rlimit_as")
