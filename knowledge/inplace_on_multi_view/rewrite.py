"""Puts the result of a change of a view into a new tensor."""

from __future__ import annotations

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def make_new(program: Program, target: Target) -> str | None:
    """The program whose failing statement no longer writes in place; None where that takes more than one statement."""
    return moves.out_of_place(program, target.error_line)
