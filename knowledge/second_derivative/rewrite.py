"""Takes both derivatives by `torch.autograd.grad`, so that nothing is added into `.grad`."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, keyword, last_name, reads


def grad_twice(program: Program, target: Target) -> str | None:
    """Replace the two backward() calls by torch.autograd.grad; None when they do not stand as statements of their own."""
    leaf = target.names.get("X", "")
    first = program.statement_at(target.cause_line or 0)
    second = program.statement_at(target.error_line or 0)
    if not leaf.isidentifier() or not _is_backward(first) or not _is_backward(second) or first is second:
        return None
    slope, bend = program.fresh("first"), program.fresh("second")
    changes: list[tuple[ast.AST, str]] = [(first, _derivative(program, first, leaf, slope, graph=True))]
    inside = Program(_renamed(program, second, leaf, slope))
    again = inside.tree.body[0]
    changes.append((second, _derivative(inside, again, leaf, bend, graph=False)))
    for node in ast.walk(program.tree):
        if _is_grad_of(node, leaf) and isinstance(node.ctx, ast.Load) and node.lineno > first.lineno:
            if first.lineno < node.lineno < second.lineno:
                changes.append((node, slope))
            elif node.lineno > (second.end_lineno or second.lineno):
                changes.append((node, bend))
    code = program.replaced(changes)
    return code if reads(Program(code).tree, bend) else Program(code).appended(bend)


def _derivative(program: Program, statement: ast.stmt, leaf: str, name: str, *, graph: bool) -> str:
    call = statement.value
    root, weights = _given(call)
    rows = [program.text(root), leaf]
    if weights is not None:
        rows.append(f"grad_outputs={program.text(weights)}")
    if graph:
        rows.append("create_graph=True")
    return f"({name},) = torch.autograd.grad({', '.join(rows)})"


def _given(call: ast.Call) -> tuple[ast.expr, ast.expr | None]:
    method = not (isinstance(call.func, ast.Attribute) and last_name(call.func.value) == "autograd")
    root = call.func.value if method else call.args[0]
    places = call.args if method else call.args[1:]
    for word in ("gradient", "grad_tensors"):
        named = keyword(call, word)
        if named is not None:
            return root, named.value
    return root, places[0] if places else None


def _renamed(program: Program, statement: ast.stmt, leaf: str, name: str) -> str:
    """The statement alone, with the leaf's `.grad` called by its new name."""
    text = program.text(statement)
    alone = Program(text)
    changes = [(node, name) for node in ast.walk(alone.tree) if _is_grad_of(node, leaf)]
    return alone.replaced(changes)


def _is_grad_of(node: ast.AST, leaf: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "grad"
        and isinstance(node.value, ast.Name)
        and node.value.id == leaf
    )


def _is_backward(statement: ast.stmt | None) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and last_name(statement.value.func) == "backward"
    )
