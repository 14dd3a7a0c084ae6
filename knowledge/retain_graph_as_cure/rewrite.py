"""Builds the graph anew in every pass, and no longer keeps the old one."""

from __future__ import annotations

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def compute_inside(program: Program, target: Target) -> str | None:
    """The forward pass moved into the loop, without retain_graph; None when it does not stand right before it."""
    if "H" in target.names:
        return None
    code = moves.without_retain(program, target)
    return None if code is None else moves.computed_inside(Program(code), target)


def detach_state(program: Program, target: Target) -> str | None:
    """The carried state detached once a pass, without retain_graph; None when it is not known by name."""
    code = moves.without_retain(program, target)
    return None if code is None else moves.detached_state(Program(code), target)
