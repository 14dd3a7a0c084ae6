"""Takes `inplace=True` away from the activation that is to blame."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target, last_name


def not_in_place(program: Program, target: Target) -> str | None:
    """The program without `inplace=True` at the blamed call, or in the layers of that kind that the program makes."""
    here = moves.out_of_place(program, target.cause_line)
    if here is not None:
        return here
    wanted = target.names.get("OP", "").rstrip("_").replace("_", "").lower()
    calls = [
        call
        for call in ast.walk(program.tree)
        if isinstance(call, ast.Call) and last_name(call.func).lower() == wanted and _in_place(call)
    ]
    return program.replaced((call, _plain(program, call)) for call in calls) if calls else None


def _in_place(call: ast.Call) -> bool:
    named = any(word.arg == "inplace" for word in call.keywords)
    flag = last_name(call.func)[:1].isupper() and bool(call.args) and isinstance(call.args[-1], ast.Constant)
    return named or (flag and call.args[-1].value is True)  # type: ignore[attr-defined]


def _plain(program: Program, call: ast.Call) -> str:
    given = [part for part in call.args if not (isinstance(part, ast.Constant) and part.value is True)]
    kept = [program.text(part) for part in given]
    kept += [program.text(word) for word in call.keywords if word.arg != "inplace"]
    return f"{program.text(call.func)}({', '.join(kept)})"
