"""Makes the tensor that a name holds the leaf: `requires_grad` is switched on after the last operation."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, keyword, last_name, without_keyword


def make_leaf(program: Program, target: Target) -> str | None:
    """Move `requires_grad=True` behind the operations that made $X; None when it is not found in its assignments."""
    name = target.names.get("X", "")
    made = [node for node in program.assignments(name) if node.lineno <= (target.cause_line or node.lineno)]
    if not made:
        return None
    last = made[-1]
    for statement in reversed(made):
        for call in [node for node in ast.walk(statement.value) if isinstance(node, ast.Call)]:
            plain = _without_requiring(program, call)
            if plain is not None:
                return _moved(program, statement, call, plain, last)
    return None


def _without_requiring(program: Program, call: ast.Call) -> str | None:
    """The call's text with gradients left off, or None when it does not switch them on."""
    given = keyword(call, "requires_grad")
    if given is not None and isinstance(given.value, ast.Constant) and given.value.value is True:
        return without_keyword(program, call, "requires_grad")
    if last_name(call.func) == "requires_grad_" and isinstance(call.func, ast.Attribute):
        return program.text(call.func.value)
    if last_name(call.func) == "Parameter" and len(call.args) == 1:
        return program.operand(call.args[0])
    return None


def _moved(program: Program, statement: ast.Assign, call: ast.Call, plain: str, last: ast.Assign) -> str | None:
    parameter = last_name(call.func) == "Parameter"
    if call is last.value:
        return None  # nothing stands between the leaf and its name
    if statement is last:
        value = program.text(last.value)
        start, end = program.span(call)
        offset = program.span(last.value)[0]
        value = value[: start - offset] + plain + value[end - offset :]
        return program.replaced([(last.value, _requiring(program, value, last.value, call, parameter=parameter))])
    value = _requiring(program, program.text(last.value), last.value, call, parameter=parameter)
    return program.replaced([(call, plain), (last.value, value)])


def _requiring(program: Program, text: str, value: ast.expr, call: ast.Call, *, parameter: bool) -> str:
    if parameter:
        return f"{program.text(call.func)}({text})"
    bare = isinstance(value, (ast.Call, ast.Attribute, ast.Subscript, ast.Name))
    return f"{text if bare else f'({text})'}.requires_grad_()"
