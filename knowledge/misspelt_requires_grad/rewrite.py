"""Spells `requires_grad` as torch does."""

from __future__ import annotations

import re

from bot.repair.toolkit import Program, Target


def spell(program: Program, target: Target) -> str | None:
    """Replace the wrong word on the cause line by the right one."""
    said, line = target.names.get("SAID", ""), target.cause_line or 0
    rows = program.code.splitlines(keepends=True)
    if not said or not 0 < line <= len(rows):
        return None
    right = "requires_grad_" if said.endswith("_") else "requires_grad"
    rows = [re.sub(rf"\b{re.escape(said)}\b", right, row) for row in rows]
    return "".join(rows)
