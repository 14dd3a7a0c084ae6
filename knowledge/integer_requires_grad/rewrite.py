"""Makes a tensor of floating point where one of whole numbers was to require a gradient."""

from __future__ import annotations

import ast

from bot.repair.edits import FACTORIES, with_grad
from bot.repair.toolkit import Program, Target, keyword, last_name


def floating(program: Program, target: Target) -> str | None:
    """Give the tensor dtype float32 where it is made; None when that place is not found."""
    line = target.error_line or 0
    for call in program.calls(*FACTORIES):
        if call.lineno <= line <= (call.end_lineno or line):
            if keyword(call, "requires_grad") is not None:
                return program.replaced([(call, with_grad(program, call, floating=True))])
            if not _holds_a_name(call):
                return program.replaced([(call, _as_float(program, call))])
    made = _made(program, target.names.get("X", ""), line)
    return None if made is None else program.replaced([(made, _as_float(program, made))])


def _holds_a_name(call: ast.Call) -> bool:
    return any(isinstance(node, ast.Name) and node.id != "torch" for node in ast.walk(call))


def _made(program: Program, name: str, line: int) -> ast.expr | None:
    before = [node for node in program.assignments(name) if node.lineno <= line]
    return before[-1].value if before else None


def _as_float(program: Program, value: ast.expr) -> str:
    if isinstance(value, ast.Call) and last_name(value.func) in FACTORIES:
        kept = [program.text(argument) for argument in value.args]
        kept += [program.text(given) for given in value.keywords if given.arg != "dtype"]
        return f"{program.text(value.func)}({', '.join([*kept, 'dtype=torch.float32'])})"
    return f"{program.operand(value)}.float()"
