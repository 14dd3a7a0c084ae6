"""Gives the weights of a differentiation the shape of what is differentiated."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, keyword, last_name

_WORDS = ("gradient", "grad_outputs", "grad_tensors")


def fitting_weights(program: Program, target: Target) -> str | None:
    """Replace the weights on the error line by a tensor like $LOSS; None when it is not clear what they should hold."""
    loss = target.names.get("LOSS", "")
    for call in program.calls("backward", "grad"):
        if call.lineno <= (target.error_line or 0) <= (call.end_lineno or call.lineno):
            given = _weights(call)
            text = _fitting(program, given, loss) if given is not None and loss else None
            return None if given is None or text is None else program.replaced([(given, text)])
    return None


def _weights(call: ast.Call) -> ast.expr | None:
    for word in _WORDS:
        named = keyword(call, word)
        if named is not None:
            return named.value
    module = isinstance(call.func, ast.Attribute) and last_name(call.func.value) == "autograd"
    place = 2 if last_name(call.func) == "grad" else 1 if module else 0
    return call.args[place] if len(call.args) > place else None


def _fitting(program: Program, given: ast.expr, loss: str) -> str | None:
    match given:
        case ast.List(elts=[ast.Constant(), *_]):
            return f"torch.tensor({program.text(given)})"
        case ast.Constant(value=1 | 1.0) | ast.Call(func=ast.Attribute(attr="ones")):
            return f"torch.ones_like({loss})"
        case ast.Call(func=ast.Attribute(attr="tensor"), args=[ast.Constant(value=1 | 1.0)]):
            return f"torch.ones_like({loss})"
        case ast.Constant(value=int() | float()):
            return f"torch.full_like({loss}, {program.text(given)})"
        case ast.Call(func=ast.Attribute(attr="tensor"), args=[ast.Constant(value=int() | float()) as number]):
            return f"torch.full_like({loss}, {program.text(number)})"
    return None
