"""Keeps values in tensors where they were taken out: what several entries about cut graphs do.

Like `bot/repair/toolkit.py`, for `knowledge/*/rewrite.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from bot.repair.toolkit import Program, Target

#: Methods by which values leave the graph, and calls that turn a tensor into a number.
_LEAVES = frozenset({"detach", "item", "numpy", "tolist", "cpu"})
_NUMBERS = frozenset({"float", "int"})
_CONSTRUCTORS = frozenset({"tensor", "as_tensor", "from_numpy", "Tensor", "FloatTensor", "Variable", "asarray"})
#: Functions that NumPy or `math` and torch have under one name, with one meaning.
_SHARED = frozenset({
    "exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh", "abs", "mean", "sum", "square", "maximum",
    "minimum", "dot", "matmul", "outer", "prod", "log1p", "expm1", "where", "sigmoid", "cumsum", "clip", "stack", "max", "min",
})  # fmt: skip


def kept_in_torch(program: Program, target: Target) -> str | None:
    """The program with the value of the cut ($CALL on the cause line) left in tensors: `.item()` and the like go, the
    constructors that made tensors of it again go, and NumPy's functions become torch's; None when nothing changes."""
    call = target.names.get("CALL", "")
    return _kept(program, [node for node in _exits_at(program, target) if call and call in program.text(node)])


def all_kept_in_torch(program: Program, target: Target) -> str | None:
    """The same for every value that leaves on the cause line."""
    return _kept(program, _exits_at(program, target))


def _exits_at(program: Program, target: Target) -> list[ast.expr]:
    line = target.cause_line or 0
    return [node for node in _outermost(program.tree, _is_exit) if node.lineno <= line <= (node.end_lineno or line)]


def _kept(program: Program, cuts: list[ast.expr]) -> str | None:
    code = _Keeping(program, cuts, _tainted(program, cuts)).code() if cuts else program.code
    return None if code == program.code else _without_idle_lines(program, Program(code))


def _without_idle_lines(before: Program, after: Program) -> str:
    """The edited code without lines that came to say `x = x`."""
    said = {before.text(node) for node in before.statements()}
    idle = [
        node.lineno
        for block in (getattr(holder, "body", ()) for holder in ast.walk(after.tree))
        if isinstance(block, list) and len(block) > 1
        for node in block
        if isinstance(node, ast.Assign) and [ast.unparse(one) for one in node.targets] == [ast.unparse(node.value)]
        and after.text(node) not in said
    ]  # fmt: skip
    rows = after.code.splitlines(keepends=True)
    return "".join(row for number, row in enumerate(rows, 1) if number not in idle or "#" in row)


def _is_exit(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=[]) if name in _LEAVES:
            return True
        case ast.Attribute(attr="data", ctx=ast.Load()):
            return True
        case ast.Call(func=ast.Name(id=name), args=[_]) if name in _NUMBERS:
            return True
        case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="np" | "numpy" | "math"))) if name in {
            *_SHARED, "array", "asarray"
        }:  # fmt: skip
            return True
        case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="torch")), args=[_, *_]):
            return name in _CONSTRUCTORS and any(
                isinstance(part, ast.Name) and part.id != "torch" for part in ast.walk(node)
            )
    return False


def _outermost(tree: ast.AST, wanted: Callable[[ast.AST], bool]) -> list[ast.expr]:
    found: list[ast.expr] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.expr) and wanted(node):
            found.append(node)
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _tainted(program: Program, cuts: list[ast.expr]) -> set[str]:
    """The names that hold values which left by these cuts."""
    names: set[str] = set()
    # Expressions alone: all names that are read share one node that says so.
    sources = {id(part) for cut in cuts for part in ast.walk(cut) if isinstance(part, ast.expr)}
    changed = True
    while changed:
        changed = False
        for name, value in _givings(program.tree):
            known = any(
                id(part) in sources or (isinstance(part, ast.Name) and part.id in names) for part in ast.walk(value)
            )
            if known and name not in names:
                names.add(name)
                changed = True
    return names


def _givings(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AugAssign(target=ast.Name(id=name), value=value)
            ):
                yield name, value
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
                yield name, value


#: Where an expression needs no parentheses, and expressions that never do.
_LOOSE = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.Call, ast.keyword, ast.List)
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.List)


class _Keeping:
    """Writes expressions anew without what takes values out of the graph."""

    def __init__(self, program: Program, cuts: list[ast.expr], tainted: set[str]) -> None:
        self.program = program
        self.cuts = {id(node) for node in cuts}
        self.within = {id(part) for node in cuts for part in ast.walk(node)}
        self.tainted = tainted
        self.parents = {id(child): node for node in ast.walk(program.tree) for child in ast.iter_child_nodes(node)}
        self.lists = {name for name, value in _givings(program.tree) if isinstance(value, (ast.List, ast.ListComp))}

    def code(self) -> str:
        places = _outermost(self.program.tree, self._leaves)
        changes = [(node, self.fitted(node)) for node in places]
        return self.program.replaced((node, text) for node, text in changes if text != self.program.text(node))

    def _leaves(self, node: ast.AST) -> bool:
        """Whether this takes values out, makes tensors of them again, or works on them outside torch."""
        if not _is_exit(node):
            return False
        return id(node) in self.within or (
            any(
                (isinstance(part, ast.Name) and part.id in self.tainted) or id(part) in self.cuts
                for part in ast.walk(node)
            )
            and not self._only_shows(node)
        )

    def _only_shows(self, node: ast.AST) -> bool:
        """Whether a value leaves to become text, as in `print(loss.item())`, and may go on doing so."""
        match node:
            case ast.Call(func=ast.Attribute(attr="item" | "tolist" | "detach" | "cpu")) | ast.Call(func=ast.Name()):
                pass
            case _:
                return False
        holder = self.parents.get(id(node))
        while holder is not None and not isinstance(holder, ast.stmt):
            if _is_exit(holder):
                return self._only_shows(holder)
            match holder:
                case ast.JoinedStr() | ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
                    return True
                case ast.Call(func=ast.Name(id="print")) | ast.Call(func=ast.Attribute(attr="format")):
                    return True
            holder = self.parents.get(id(holder))
        return False

    def fitted(self, node: ast.expr) -> str:
        """The kept text, with parentheses where its place wants them and without those it does not."""
        text = self.kept(node)
        loose = isinstance(self.parents.get(id(node)), _LOOSE)
        try:
            whole = ast.parse(text, mode="eval").body
            bare = ast.parse(text[1:-1], mode="eval").body if text.startswith("(") else None
        except SyntaxError:
            return text
        if loose and bare is not None and ast.dump(bare) == ast.dump(whole) and "\n" not in text:
            return text[1:-1]
        wrapped = bare is not None and ast.dump(bare) == ast.dump(whole)
        return text if loose or wrapped or isinstance(whole, _ATOMS) else f"({text})"

    def kept(self, node: ast.expr) -> str:
        """The text of an expression that stays in torch."""
        match node:
            case ast.Call(func=ast.Attribute(attr=name, value=holder), args=[]) if name in _LEAVES:
                return self.kept_operand(holder)
            case ast.Attribute(attr="data", value=holder):
                return self.kept_operand(holder)
            case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _NUMBERS:
                return self.kept(inner)
            case ast.Call(
                func=ast.Attribute(attr="array" | "asarray", value=ast.Name(id="np" | "numpy")), args=[inner, *_]
            ):
                return self.kept(inner)
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="torch")), args=[inner, *_]) if (
                name in _CONSTRUCTORS
            ):
                return self._stacked(inner)
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="np" | "numpy" | "math") as module)):
                return self._inside(node, [(module, "torch")])
        return self._inside(node, [])

    def kept_operand(self, node: ast.expr) -> str:
        text = self.kept(node)
        bare = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
        return text if bare or re.fullmatch(r"\(.*\)", text) else f"({text})"

    def _stacked(self, node: ast.expr) -> str:
        match node:
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return f"torch.stack([{', '.join(self._stacked(part) for part in parts)}])"
            case ast.ListComp():
                return f"torch.stack({self._inside(node, [])})"
            case ast.Name(id=name) if name in self.lists:
                return f"torch.stack({name})"
        return self.kept(node)

    def _inside(self, node: ast.expr, more: list[tuple[ast.AST, str]]) -> str:
        """The text of an expression with its parts kept."""
        start, end = self.program.span(node)
        inner = [part for child in ast.iter_child_nodes(node) for part in _outermost(child, self._leaves)]
        changes = [(self.program.span(part), self.fitted(part)) for part in inner]
        changes += [(self.program.span(part), text) for part, text in more]
        text = self.program.code
        for (first, last), new in sorted(changes, reverse=True):
            text = text[:first] + new + text[last:]
            end += len(new) - (last - first)
        return text[start:end]
