"""Keeps an operation away from the numbers at which its derivative is infinite."""

from __future__ import annotations

import ast

from bot.repair import moves
from bot.repair.toolkit import Program, Target, last_name

_ROOTS = frozenset({"sqrt", "rsqrt", "log", "log2", "log10"})
_ARCS = frozenset({"acos", "asin", "arccos", "arcsin"})


def mask_input(program: Program, target: Target) -> str | None:
    """Give the operation a harmless number where torch.where does not take its result; None without such a where."""
    found = _operation(program, target)
    if found is None:
        return None
    argument = found[1]
    chosen = _where(program, found[0])
    if chosen is None:
        return None
    condition, taken = chosen
    text = program.text(argument)
    harmless = f"torch.{'zeros' if target.names.get('OP') in _ARCS else 'ones'}_like({text})"
    pair = f"{text}, {harmless}" if taken else f"{harmless}, {text}"
    return program.replaced([(argument, f"torch.where({program.text(condition)}, {pair})")])


def away_from_the_edge(program: Program, target: Target) -> str | None:
    """Add a small number inside a root or a logarithm, clamp the argument of an arc function."""
    found = _operation(program, target)
    if found is None:
        return None
    node, argument = found
    text = program.text(argument)
    match node:
        case ast.BinOp(op=ast.Pow()):
            return program.replaced([(argument, f"({_bare(argument, text)} + 1e-8)")])
        case ast.Call() if last_name(node.func) in _ROOTS:
            hung = isinstance(node.func, ast.Attribute) and node.func.value is argument
            return program.replaced([(argument, f"({text} + 1e-8)" if hung else f"{text} + 1e-8")])
        case ast.Call() if last_name(node.func) in _ARCS:
            return program.replaced([(argument, f"{program.operand(argument)}.clamp(-1 + 1e-6, 1 - 1e-6)")])
    return None


def _operation(program: Program, target: Target) -> tuple[ast.expr, ast.expr] | None:
    """The blamed operation, with the argument at whose number its derivative is infinite."""
    name = target.names.get("OP", "")
    statement = program.statement_at(target.cause_line or 0)
    for node in ast.walk(statement) if statement is not None else ():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch" | "F"), attr=called), args=[first, *_]) if (
                called == name
            ):
                return node, first
            case ast.Call(func=ast.Attribute(value=owner, attr=called)) if called == name:
                return node, owner
            case ast.BinOp(left=left, op=ast.Pow()) if name in ("pow", "__pow__"):
                return node, left
            case ast.BinOp(op=ast.Div(), right=right) if name in ("div", "true_divide", "__truediv__"):
                return node, right
    return None


def _where(program: Program, node: ast.expr) -> tuple[ast.expr, bool] | None:
    """The condition of the torch.where that picks this value, and whether it is picked where the condition holds."""
    statement = program.statement_of(node)
    made = (
        {part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        if statement
        else set()
    )
    for call in program.calls("where"):
        if len(call.args) == 3:
            for place, taken in ((1, True), (2, False)):
                parts = list(ast.walk(call.args[place]))
                named = isinstance(call.args[place], ast.Name) and call.args[place].id in made  # type: ignore[attr-defined]
                if any(part is node for part in parts) or named:
                    return call.args[0], taken
    return None


def _bare(node: ast.expr, text: str) -> str:
    return text[1:-1] if text.startswith("(") and isinstance(node, ast.BinOp) and moves.wrapped(text) else text
