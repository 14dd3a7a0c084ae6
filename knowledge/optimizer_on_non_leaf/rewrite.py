"""Makes the tensors that an optimizer is given leaves."""

from __future__ import annotations

from dataclasses import replace

from bot.repair.edits import make_leaf
from bot.repair.toolkit import Program, Target


def make_leaves(program: Program, target: Target) -> str | None:
    """Switch `requires_grad` on after the last operation for each given name; None when one is not made that way."""
    for name in target.names.get("ALL", "").split(", "):
        code = make_leaf(program, replace(target, names={"X": name}, cause_line=target.error_line))
        if code is None:
            return None
        program = Program(code)
    return program.code
