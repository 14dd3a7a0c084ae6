"""Detaches what one side of two optimizers only uses."""

from __future__ import annotations

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def detach_side(program: Program, target: Target) -> str | None:
    """The program in which the side that only uses the other's output detaches it; None when it is not known by name."""
    return moves.detached_side(program, target)
