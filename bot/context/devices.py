"""Programs for a GPU, run on the CPU with the same graph."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from bot.context.program import Line, Program

_ANY = re.compile(r"\bcuda\b|\bmps\b")
_DEVICE_NAME = re.compile(r"(['\"])(?:cuda(?::\d+)?|mps)\1")
_CUDA_TENSOR = re.compile(r"\btorch\.cuda\.(\w*Tensor)\b")
_IS_AVAILABLE = re.compile(r"\btorch\.(?:cuda|backends\.mps)\.is_available\(\)")
_TO_DEVICE = re.compile(r"\.to\((?:device\s*=\s*)?([\"']?(?:cpu|cuda|gpu|\w*dev\w*)[\w:.]*[\"']?)\)")
_SYNCHRONIZE = re.compile(r"\btorch\.cuda\.(?:synchronize|empty_cache|reset_peak_memory_stats)\([^()]*\)")


def on_cpu(program: Program) -> Program:
    """The program with its moves to a GPU made moves on the CPU, each on record.

    A leaf that is moved to another device stops being one; so that this stays visible, `.cuda()` behind a
    tensor that requires a gradient becomes a copy, and is dropped elsewhere.
    """
    if not _ANY.search(program.code):
        return program
    leaves = _leaf_moves(program)
    return replace(
        program,
        lines=tuple(_moved(line, copies=number in leaves) for number, line in enumerate(program.lines, start=1)),
    )


def _moved(line: Line, *, copies: bool) -> Line:
    if not copies and not _ANY.search(line.text):
        return line
    text = _SYNCHRONIZE.sub("None", line.text)
    text = _IS_AVAILABLE.sub("False", text)
    text = _CUDA_TENSOR.sub(r"torch.\1", text)
    text = re.sub(r"\.cuda\([^()]*\)", '.to("cpu", copy=True)' if copies else "", text)
    text = _DEVICE_NAME.sub('"cpu"', text)
    if copies:
        text = _TO_DEVICE.sub(r".to(\1, copy=True)", text)
    return line.rewritten(text, told=f"run on the CPU: {line.text.strip()} became {text.strip()}")


def _leaf_moves(program: Program) -> set[int]:
    """Numbers of the lines where `.cuda()` or `.to(...)` is called on a leaf that requires a gradient."""
    tree = program.tree
    found: set[int] = set()
    leaves: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _requires_grad(value):
                leaves.add(name)
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name), attr="requires_grad")], value=value) if (
                isinstance(value, ast.Constant) and value.value
            ):
                leaves.add(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="requires_grad_"))):
                leaves.add(name)
            case ast.Call(func=ast.Attribute(value=receiver, attr="cuda" | "to")):
                named = isinstance(receiver, ast.Name) and receiver.id in leaves
                if named or _requires_grad(receiver):
                    found.add(node.end_lineno or node.lineno)
    return found


def _requires_grad(value: ast.expr) -> bool:
    """Whether the expression itself makes a leaf: `torch.ones(2, requires_grad=True)`, `nn.Parameter(...)`."""
    if not isinstance(value, ast.Call):
        return False
    if any(keyword.arg == "requires_grad" for keyword in value.keywords):
        return True
    name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    return name in ("Parameter", "requires_grad_")
