"""Edits that several entries make: leaves made anew, guards taken away.

Like `bot/repair/toolkit.py`, for `knowledge/*/rewrite.py`.
"""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, keyword, last_name, without_keyword

#: Functions of torch that take `requires_grad=` and `dtype=`.
FACTORIES = frozenset({
    "tensor", "ones", "zeros", "full", "rand", "randn", "arange", "linspace", "logspace", "eye", "empty",
    "ones_like", "zeros_like", "full_like", "rand_like", "randn_like", "randint", "randperm",
})  # fmt: skip
_GUARDS = ("no_grad", "inference_mode", "set_grad_enabled")


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


def with_grad(program: Program, value: ast.expr, *, floating: bool) -> str:
    """The expression that makes a tensor, with gradients switched on; `floating` makes it one of float32 as well."""
    if isinstance(value, ast.Call) and last_name(value.func) in FACTORIES and _of_torch(value.func):
        kept = [program.text(argument) for argument in value.args]
        kept += [
            program.text(given)
            for given in value.keywords
            if given.arg != "requires_grad" and not (floating and given.arg == "dtype")
        ]
        kept += ["dtype=torch.float32"] if floating else []
        return f"{program.text(value.func)}({', '.join([*kept, 'requires_grad=True'])})"
    return f"{program.operand(value)}{'.float()' if floating else ''}.requires_grad_()"


def _of_torch(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "torch"


def without_guard(program: Program, line: int) -> str | None:
    """The program without the `with torch.no_grad():` on a line (its body moves out), or without that decorator or call."""
    for node in program.statements():
        match node:
            case ast.With(items=[item]) if node.lineno == line and _is_guard(item.context_expr):
                return _unwrapped(program, node)
            case ast.FunctionDef(decorator_list=decorators):
                for decorator in decorators:
                    if decorator.lineno == line and _is_guard(decorator):
                        return _without_lines(program, line, line)
            case ast.Expr(value=value) if node.lineno == line and _is_guard(value):
                return _without_lines(program, node.lineno, node.end_lineno or node.lineno)
    return None


def _is_guard(node: ast.expr) -> bool:
    return last_name(node.func if isinstance(node, ast.Call) else node) in _GUARDS


def _unwrapped(program: Program, block: ast.With) -> str:
    rows = program.code.splitlines(keepends=True)
    step = block.body[0].col_offset - block.col_offset
    start, end = block.body[0].lineno, block.end_lineno or block.lineno
    if start == block.lineno:  # the body stands on the line of the `with`
        alone = " " * block.col_offset + program.text(block.body[0]) + "\n"
        return "".join([*rows[: start - 1], alone, *rows[end:]])
    body = [row[step:] if row.strip() and row[:step].isspace() else row for row in rows[block.lineno : end]]
    return "".join([*rows[: block.lineno - 1], *body, *rows[end:]])


def _without_lines(program: Program, first: int, last: int) -> str:
    rows = program.code.splitlines(keepends=True)
    return "".join([*rows[: first - 1], *rows[last:]])
