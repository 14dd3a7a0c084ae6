"""Cuts the history of a state that is carried from pass to pass."""

from __future__ import annotations

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def detach_state(program: Program, target: Target) -> str | None:
    """The program that detaches the carried state once a pass; None when it is not known by name."""
    return moves.detached_state(program, target)
