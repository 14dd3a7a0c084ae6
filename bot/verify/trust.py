"""Whether what a program reports about itself can be believed."""

from __future__ import annotations

import ast

#: What a program may not touch if its claims about itself are to earn anything.
INTERPRETER = frozenset({"sys", "gc", "inspect", "builtins", "ctypes", "importlib", "marshal", "_thread", "threading"})
FRAMES = frozenset({
    "_getframe", "__globals__", "__builtins__", "__code__", "__dict__", "__subclasses__", "gi_frame", "tb_frame",
})  # fmt: skip


def trusted(code: str) -> bool:
    """Whether a program leaves alone the interpreter that reports about it."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return False
    modules = _imported(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(name.name.split(".")[0] in INTERPRETER for name in names):
                return False
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in INTERPRETER:
                return False
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in FRAMES:
                return False
            case ast.Name(id="exec" | "eval" | "compile" | "__import__" | "globals" | "vars"):
                return False
            case ast.Attribute(ctx=ast.Store() | ast.Del(), value=holder) if _root(holder) in modules:
                return False
            case ast.Call(func=ast.Name(id="setattr" | "delattr")):
                return False
    return True


def _imported(tree: ast.AST) -> frozenset[str]:
    """The names under which a program knows modules and what it takes from them."""
    aliases = [
        alias for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names
    ]
    return frozenset({"torch"} | {(alias.asname or alias.name).split(".")[0] for alias in aliases})


def _root(node: ast.expr) -> str:
    """`torch.nn.Linear` → "torch"."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
