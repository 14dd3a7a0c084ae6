"""Takes the softmax or sigmoid away that the loss applies by itself, or makes logarithms of it for a loss that wants them."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target, last_name


def logits(program: Program, target: Target) -> str | None:
    """The blamed call replaced by its argument, or the layer of that kind taken out of its Sequential."""
    name = target.names.get("MAKER", "")
    if "WANTSLOG" in target.names:
        return None
    statement = program.statement_at(target.cause_line or 0)
    for node in ast.walk(statement) if statement is not None else ():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch" | "F"), attr=called), args=[first, *_]) if (
                called == name
            ):
                return program.replaced([(node, program.text(first))])
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="functional"), attr=called), args=[first, *_]
            ) if called == name:
                return program.replaced([(node, program.text(first))])
            case ast.Call(func=ast.Attribute(value=owner, attr=called)) if called == name:
                return program.replaced([(node, program.text(owner))])
    return _without_layer(program, name)


def log_probabilities(program: Program, target: Target) -> str | None:
    """For a loss that wants logarithms: log_softmax in place of the blamed softmax, or of the layer that is called."""
    if "WANTSLOG" not in target.names:
        return None
    name = target.names.get("MAKER", "")
    calls = [call for call in program.calls(name) if call.lineno == target.cause_line]
    changes = [(call.func, program.text(call.func).removesuffix(name) + f"log_{name}") for call in calls]
    if not changes:
        layers = [call for call in program.calls(name.capitalize()) if program.text(call) == target.names.get("LAYER")]
        layer = name.capitalize()
        changes = [(call.func, program.text(call.func).removesuffix(layer) + f"Log{layer}") for call in layers]
    return program.replaced(changes) if changes else None


def _without_layer(program: Program, name: str) -> str | None:
    """`nn.Sequential(…, nn.Softmax(dim=1))` without its last layer."""
    for call in program.calls("Sequential"):
        last = call.args[-1] if len(call.args) > 1 else None
        if isinstance(last, ast.Call) and last_name(last.func).lower() == name:
            start = program.span(call.args[-2])[1]
            end = program.span(last)[1]
            return program.code[:start] + program.code[end:]
    return None
