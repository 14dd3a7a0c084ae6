"""Makes a copy where only a second name was made."""

from __future__ import annotations

import ast

from bot.repair.toolkit import Program, Target


def clone(program: Program, target: Target) -> str | None:
    """The assignment with `.clone()`, or with a copy of each tensor of a state_dict or a list of parameters."""
    statement = program.statement_at(target.cause_line or 0)
    if not isinstance(statement, ast.Assign):
        return None
    value = statement.value
    text = program.text(value)
    match value:
        case ast.Call(func=ast.Attribute(attr="state_dict")):
            copied = f"{{name: value.clone() for name, value in {text}.items()}}"
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[listed]):
            copied = f"[p.detach().clone() for p in {program.text(listed)}]"
        case ast.ListComp(elt=element):
            return program.replaced([(element, f"{_detached(program.operand(element))}.clone()")])
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call():
            copied = f"{_detached(text)}.clone()"
        case _:
            return None
    return program.replaced([(value, copied)])


def _detached(text: str) -> str:
    return text if text.endswith((".data", ".detach()", ".grad")) else f"{text}.detach()"
