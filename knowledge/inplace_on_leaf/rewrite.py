"""Takes a change of a leaf out of the recorded computation, or makes it a computation."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target


def under_no_grad(program: Program, target: Target) -> str | None:
    """Put the update, with the updates right beside it, under torch.no_grad(); None for a change that computes with other
    tensors than gradients before anything was differentiated."""
    first = program.statement_at(target.error_line or 0)
    if first is None or not _changes(first) or _is_computation(program, first):
        return None
    block = moves.block_of(program, first)
    place = block.index(first)
    last = place
    while last + 1 < len(block) and _changes(block[last + 1]) and "grad" in ast.unparse(block[last + 1]):
        last += 1
    return moves.under_no_grad(program, block[place : last + 1])


def new_tensor(program: Program, target: Target) -> str | None:
    """Give the result of `x += …` or of `x[i] = …` a name of its own, and use that from there on, but for `.grad`; None for
    an update from a gradient, after which the name must mean the new value."""
    first = program.statement_at(target.error_line or 0)
    name = target.names.get("X", "")
    if first is None or not name.isidentifier() or _is_update(program, first):
        return None
    fresh = program.fresh(f"new_{name}")
    changes: list[tuple[ast.AST, str]] = []
    grads = {
        id(node.value) for node in ast.walk(program.tree) if isinstance(node, ast.Attribute) and node.attr == "grad"
    }
    for node in ast.walk(moves.function_of(program, first)):
        later = isinstance(node, ast.Name) and node.id == name and node.lineno > (first.end_lineno or first.lineno)
        if later and id(node) not in grads:
            changes.append((node, fresh))
    match first:
        case ast.AugAssign(target=ast.Name()):
            text = moves.out_of_place(program, first.lineno)
            if text is None:
                return None
            value = Program(text).statement_at(first.lineno)
            changes.append((first, f"{fresh} = {ast.get_source_segment(text, value.value)}"))  # type: ignore[union-attr]
            return program.replaced(changes)
        case ast.AugAssign(target=ast.Subscript()) | ast.Assign(targets=[ast.Subscript()]):
            inside = [node for node in ast.walk(first) if isinstance(node, ast.Name) and node.id == name]
            changes += [(node, fresh) for node in inside]
            code = program.replaced(changes)
            return Program(code).inserted_before(Program(code).statement_at(first.lineno), f"{fresh} = {name}.clone()")  # type: ignore[arg-type]
    return None


def _changes(statement: ast.stmt) -> bool:
    match statement:
        case ast.AugAssign() | ast.Assign(targets=[ast.Subscript()]):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name.endswith("_") and name != "backward"
    return False


def _is_update(program: Program, statement: ast.stmt) -> bool:
    """Whether gradients stand in a change, by themselves or under names that were given in the program."""
    of_gradients: set[str] = set()

    def speaks_of_one(node: ast.AST) -> bool:
        return any(
            (isinstance(part, ast.Attribute) and part.attr == "grad")
            or (isinstance(part, ast.Name) and part.id in of_gradients)
            for part in ast.walk(node)
        )

    for node in sorted(program.statements(), key=lambda part: part.lineno):
        match node:
            case ast.Assign(targets=targets, value=value) if speaks_of_one(value):
                of_gradients |= {part.id for given in targets for part in ast.walk(given) if isinstance(part, ast.Name)}
            case ast.For(target=given, iter=values) if speaks_of_one(values):
                of_gradients |= {part.id for part in ast.walk(given) if isinstance(part, ast.Name)}
    return speaks_of_one(statement)


def _is_computation(program: Program, statement: ast.stmt) -> bool:
    """Whether the change stands between the making of the leaf and the first backward, and is no start value."""
    calls = program.calls("backward", "grad")
    first = min((call.lineno for call in calls), default=0)
    alone = moves.loop_around(program, statement) is None and statement.lineno < first
    return alone and isinstance(statement, ast.AugAssign) and "grad" not in ast.unparse(statement)
