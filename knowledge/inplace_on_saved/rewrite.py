"""Puts the result of an in-place operation into a new tensor."""

from __future__ import annotations

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def make_new(program: Program, target: Target) -> str | None:
    """The program whose blamed statement no longer writes in place; None where that takes more than one statement."""
    return moves.out_of_place(program, target.cause_line)
