"""Whether the tape may have changed what a program does, and whether it did.

The tape watches torch from within. Tensors of a program's own kind, compiled functions and other watchers see
it, so a program that has them is run once more without it.
"""

from __future__ import annotations

import ast
import re

from bot.domain.run import Run

#: Classes that a program derives from, and names that it uses, when it may meet the tape.
_BASES = frozenset({"Tensor", "Parameter", "TorchFunctionMode", "TorchDispatchMode"})
_NAMES = frozenset({
    "__torch_function__", "__torch_dispatch__", "as_subclass", "_make_subclass", "_make_wrapper_subclass",
    "compile", "jit", "fx", "_dynamo", "overrides", "set_default_device", "DeviceContext",
})  # fmt: skip
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


def meets_tape(code: str) -> bool:
    """Whether a program uses what behaves differently while the tape runs. False for code that does not parse."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return False
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(bases=bases) if any(_last(base) in _BASES for base in bases):
                return True
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.alias(name=name) if (
                name.rsplit(".", 1)[-1] in _NAMES
            ):
                return True
    return False


def ended_alike(one: Run, other: Run) -> bool:
    """Whether two runs came to the same end: the same outcome and error, numbers and addresses apart."""
    return one.outcome is other.outcome and _said(one) == _said(other)


def _said(run: Run) -> str:
    return _NUMBERS.sub("#", f"{run.error.type}: {run.error.message}") if run.error is not None else ""


def _last(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
