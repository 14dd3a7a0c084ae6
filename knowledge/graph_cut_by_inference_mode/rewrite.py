"""Makes ordinary tensors where inference mode made ones that autograd must not touch."""

from __future__ import annotations

from bot.repair import edits
from bot.repair.toolkit import Program, Target


def no_grad_instead(program: Program, target: Target) -> str | None:
    """Use `no_grad` in place of `inference_mode` on the cause line."""
    line = target.cause_line or 0
    rows = program.code.splitlines(keepends=True)
    if not 0 < line <= len(rows) or "inference_mode" not in rows[line - 1]:
        return None
    rows[line - 1] = rows[line - 1].replace("inference_mode", "no_grad")
    return "".join(rows)


def without_guard(program: Program, target: Target) -> str | None:
    """Take inference mode away; the lines under it stay."""
    return None if target.cause_line is None else edits.without_guard(program, target.cause_line)
