"""`autograd-bot run`: a program in the sandbox, without a diagnosis."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typed import Type, assert_is_a_run

pytestmark = pytest.mark.sandbox

FAILS = "import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 3\ny\nprint('here')\ny.backward()\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(FAILS, encoding="utf-8")
    return path


def test_a_file_and_standard_input_are_run_alike(running: Type, program: Path) -> None:
    found = running("run", program, "--json").record

    assert_is_a_run(found)
    assert found["outcome"] == "raised"
    assert found["error"] == {
        "type": "RuntimeError", "message": "grad can be implicitly created only for scalar outputs", "line": 6,
    }  # fmt: skip
    assert found["echoes"] == [{"line": 4, "text": "tensor([3., 3.], grad_fn=<MulBackward0>)"}]
    assert (found["stdout"], found["warnings"]) == ("here\n", [])
    assert found["seconds"] > 0
    again = running("run", "-", "--json", typed_in=FAILS.encode()).record
    assert {**again, "seconds": found["seconds"]} == found


def test_a_run_tells_what_isolated_it_and_why_it_was_ended(running: Type) -> None:
    found = running("run", "--json", typed_in=b"import os\nos.abort()\n").record

    assert_is_a_run(found)
    assert (found["outcome"], found["signal"], found["passes"]) == ("refused", 6, None)
    assert found["reason"] == "it was ended by signal 6"
    assert {"user namespaces", "rlimits", "no capabilities"} <= set(found["layers"])


def test_the_tape_is_one_more_key(running: Type, program: Path) -> None:
    found = running("run", program, "--json", "--tape").record

    assert_is_a_run(found, "tape")
    assert [(event["op"], event["line"]) for event in found["tape"]["events"]] == [
        ("torch.ones", 2),
        ("Tensor.mul", 3),
        ("Tensor.backward", 6),
    ]


def test_people_read_each_line_with_what_happened_there(running: Type, program: Path) -> None:
    ended = running("run", program, "--tape")

    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[3:8] == [
        "    4  y",
        "       │ tensor([3., 3.], grad_fn=<MulBackward0>)",
        "    5  print('here')",
        "       │ here",
        "    6  y.backward()",
    ]
    assert lines[8] == "       × RuntimeError: grad can be implicitly created only for scalar outputs"
    assert lines[9].startswith("  raised in ")
    assert lines[10].split() == ["#", "line", "operation", "in", "out", "times"]
    assert [line.split()[2] for line in lines[11:]] == ["ones", "mul", "backward"]


def test_only_the_first_passes_of_a_loop_are_run_when_asked(running: Type) -> None:
    loop = b"for i in range(10_000):\n    print(i)\n"

    found = running("run", "--json", "--passes", 3, typed_in=loop).record
    assert (found["stdout"], found["passes"]) == ("0\n1\n2\n", "line 1: 3 of 10000 passes")
    assert running("run", "--passes", 0, typed_in=loop).code == 2


@pytest.mark.parametrize(
    ("code", "outcome", "error", "stdout"),
    [
        ("print(1)\n", "finished", None, "1\n"),
        ("def (\n", "raised", "SyntaxError", ""),
        ("print('begun')\nraise KeyError('k')\n", "raised", "KeyError", "begun\n"),
        ("print('begun', flush=True)\nwhile True: pass\n", "timed_out", None, "begun\n"),
        ("x = bytearray(10**9)\n", "oom", "MemoryError", ""),
        ("import pandas\n", "unsupported", "ModuleNotFoundError", ""),
        ("", "finished", None, ""),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isidentifier() else "",
)
def test_however_a_program_ends_it_is_an_outcome_and_no_error_of_ours(
    running: Type, monkeypatch: pytest.MonkeyPatch, code: str, outcome: str, error: str | None, stdout: str
) -> None:
    monkeypatch.setenv("AUTOGRAD_BOT_SANDBOX__SECONDS", "1")
    monkeypatch.setenv("AUTOGRAD_BOT_SANDBOX__MEMORY_MIB", "256")

    ended = running("run", "--json", typed_in=code.encode())

    assert (ended.code, ended.err) == (0, "")
    assert_is_a_run(ended.record)
    assert (ended.record["outcome"], ended.record["stdout"]) == (outcome, stdout)
    assert (ended.record["error"] or {}).get("type") == error


def test_a_program_that_prints_without_end_is_cut_at_the_limit(running: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRAD_BOT_SANDBOX__OUTPUT_KIB", "4")
    endless = b"while True: print('x' * 99)\n"

    found = running("run", "--json", typed_in=endless).record

    assert_is_a_run(found)
    assert found["outcome"] == "refused"
    assert 0 < len(found["stdout"]) <= 4 * 1024
    assert "it printed more than it may" in running("run", typed_in=endless).out


def test_what_a_program_prints_steers_no_terminal(running: Type) -> None:
    ended = running("run", typed_in=b"print('a\\x1b[2Jb\\rc')\n'\\x9b31m'\n")

    assert ended.code == 0
    assert not {"\x1b", "\x9b", "\r"} & set(ended.out)


def test_a_file_that_is_not_there_is_named(running: Type) -> None:
    ended = running("run", "nowhere.py", "--json")

    assert ended.code == 2
    assert ended.complaint.startswith("nowhere.py: No such file or directory.")
