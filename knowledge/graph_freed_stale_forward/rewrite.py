"""Moves the forward pass into the loop that differentiates it."""

from __future__ import annotations

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def compute_inside(program: Program, target: Target) -> str | None:
    """The program whose loop computes what it differentiates; None when the forward does not stand right before it."""
    return moves.computed_inside(program, target)
