"""Lets the forward pass run with gradients on."""

from __future__ import annotations

from bot.repair import edits
from bot.repair.toolkit import Program, Target


def without_guard(program: Program, target: Target) -> str | None:
    """Take away what switches gradients off on the cause line; the lines under it stay."""
    return None if target.cause_line is None else edits.without_guard(program, target.cause_line)
