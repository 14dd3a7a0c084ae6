"""The tape looks on: every program of the knowledge base ends as it does without it, to the letter of what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.library import shipped_folder
from bot.sandbox import Order
from bot.sandbox.client import JailedSandbox

pytestmark = pytest.mark.sandbox

PROGRAMS = sorted(shipped_folder().glob("*/cases/*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_a_program_ends_as_it_does_without_the_tape(program: Path, sandbox: JailedSandbox) -> None:
    code = program.read_text(encoding="utf-8")
    taped, plain = (sandbox.run(Order(code=code, tape=tape)) for tape in (True, False))

    assert (taped.outcome, taped.error, taped.stdout) == (plain.outcome, plain.error, plain.stdout)
    assert taped.tape is not None
    assert taped.tape.trusted
