"""Updates a parameter in place, where gradients are not recorded, instead of giving its name to a new tensor."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, last_name

_SIGNS = {ast.Sub: "-=", ast.Add: "+="}


def in_place(program: Program, target: Target) -> str | None:
    """Write `w = w - step` as `w -= step` under no_grad, and its neighbours of the same form; None when it is no such."""
    line = target.cause_line or 0
    for holder in ast.walk(program.tree):
        block = getattr(holder, "body", None)
        if isinstance(block, list) and any(node.lineno <= line <= (node.end_lineno or line) for node in block):
            updates = [node for node in block if _step(program, node) is not None]
            if any(node.lineno <= line <= (node.end_lineno or line) for node in updates):
                return _rewritten(program, updates, guarded=_guarded(program, line))
    return None


def in_place_and_zero(program: Program, target: Target) -> str | None:
    """As `in_place`, for a loop that nowhere zeroes: a parameter that stays a leaf would gather its gradients."""
    code = in_place(program, target)
    if code is None:
        return None
    changed = Program(code)
    updates = [
        node
        for node in ast.walk(changed.tree)
        if isinstance(node, ast.AugAssign) and changed.text(node) not in program.code
    ]
    names = [node.target.id for node in updates if isinstance(node.target, ast.Name)]
    if not updates or not names:
        return None
    last = max(updates, key=lambda node: node.lineno)
    return changed.inserted_after(last, "\n".join(f"{name}.grad.zero_()" for name in names))


def _step(program: Program, node: ast.stmt) -> str | None:
    """`w -= …` for a statement `w = w - …` that uses a gradient or a step; None for another."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name) as held], value=ast.BinOp(left=left, op=op, right=right)):
            sign = _SIGNS.get(type(op))
            if sign is not None and _same(left, name):
                return f"{program.text(held)} {sign} {program.text(right)}"
    return None


def _same(node: ast.expr, name: str) -> bool:
    match node:
        case ast.Name(id=found):
            return found == name
        case ast.Attribute(attr="data", value=inner):
            return _same(inner, name)
        case ast.Call(func=ast.Attribute(attr="detach" | "clone", value=inner), args=[]):
            return _same(inner, name)
    return False


def _guarded(program: Program, line: int) -> bool:
    return any(
        isinstance(node, ast.With)
        and node.lineno < line <= (node.end_lineno or line)
        and any(last_name(getattr(item.context_expr, "func", item.context_expr)) == "no_grad" for item in node.items)
        for node in ast.walk(program.tree)
    )


def _rewritten(program: Program, updates: list[ast.stmt], *, guarded: bool) -> str:
    """The program with these statements rewritten; those that follow each other share one block."""
    changed = Program(program.replaced((node, _step(program, node) or "") for node in updates))
    if guarded:
        return changed.code
    rows = changed.code.splitlines(keepends=True)
    out: list[str] = []
    lines = {node.lineno: node for node in updates}
    for number, row in enumerate(rows, 1):
        node = lines.get(number)
        if node is not None and number - 1 not in _ends(updates):
            out.append(" " * node.col_offset + "with torch.no_grad():\n")
        inside = any(one.lineno <= number <= (one.end_lineno or one.lineno) for one in updates)
        out.append("    " + row if inside else row)
    return "".join(out)


def _ends(updates: list[ast.stmt]) -> set[int]:
    return {node.end_lineno or node.lineno for node in updates}
