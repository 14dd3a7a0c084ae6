"""Edits that several entries make: leaves made anew, graphs kept whole.

Like `bot/repair/toolkit.py`, for `knowledge/*/rewrite.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from bot.repair.toolkit import Program, Target, keyword, last_name, without_keyword

#: Functions of torch that take `requires_grad=` and `dtype=`.
FACTORIES = frozenset({
    "tensor", "ones", "zeros", "full", "rand", "randn", "arange", "linspace", "logspace", "eye", "empty",
    "ones_like", "zeros_like", "full_like", "rand_like", "randn_like", "randint", "randperm",
})  # fmt: skip
_GUARDS = ("no_grad", "inference_mode", "set_grad_enabled")


def make_leaf(program: Program, target: Target) -> str | None:
    """Move `requires_grad=True` behind the operations that made $X; None when it is not found in its assignments."""
    name = target.names.get("X", "")
    made = [node for node in program.assignments(name) if node.lineno <= (target.cause_line or node.lineno)]
    if not made:
        return None
    last = made[-1]
    for statement in reversed(made):
        for call in [node for node in ast.walk(statement.value) if isinstance(node, ast.Call)]:
            plain = _without_requiring(program, call)
            if plain is not None:
                return _moved(program, statement, call, plain, last)
    return None


def _without_requiring(program: Program, call: ast.Call) -> str | None:
    """The call's text with gradients left off, or None when it does not switch them on."""
    given = keyword(call, "requires_grad")
    if given is not None and isinstance(given.value, ast.Constant) and given.value.value is True:
        return without_keyword(program, call, "requires_grad")
    if last_name(call.func) == "requires_grad_" and isinstance(call.func, ast.Attribute):
        return program.text(call.func.value)
    if last_name(call.func) == "Parameter" and len(call.args) == 1:
        return program.operand(call.args[0])
    return None


def _moved(program: Program, statement: ast.Assign, call: ast.Call, plain: str, last: ast.Assign) -> str | None:
    parameter = last_name(call.func) == "Parameter"
    if call is last.value:
        return None  # nothing stands between the leaf and its name
    if statement is last:
        value = program.text(last.value)
        start, end = program.span(call)
        offset = program.span(last.value)[0]
        value = value[: start - offset] + plain + value[end - offset :]
        return program.replaced([(last.value, _requiring(program, value, last.value, call, parameter=parameter))])
    value = _requiring(program, program.text(last.value), last.value, call, parameter=parameter)
    return program.replaced([(call, plain), (last.value, value)])


def _requiring(program: Program, text: str, value: ast.expr, call: ast.Call, *, parameter: bool) -> str:
    if parameter:
        return f"{program.text(call.func)}({text})"
    bare = isinstance(value, (ast.Call, ast.Attribute, ast.Subscript, ast.Name))
    return f"{text if bare else f'({text})'}.requires_grad_()"


def with_grad(program: Program, value: ast.expr, *, floating: bool) -> str:
    """The expression that makes a tensor, with gradients switched on; `floating` makes it one of float32 as well."""
    if isinstance(value, ast.Call) and last_name(value.func) in FACTORIES and _of_torch(value.func):
        kept = [program.text(argument) for argument in value.args]
        kept += [
            program.text(given)
            for given in value.keywords
            if given.arg != "requires_grad" and not (floating and given.arg == "dtype")
        ]
        kept += ["dtype=torch.float32"] if floating else []
        return f"{program.text(value.func)}({', '.join([*kept, 'requires_grad=True'])})"
    return f"{program.operand(value)}{'.float()' if floating else ''}.requires_grad_()"


def _of_torch(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "torch"


def without_guard(program: Program, line: int) -> str | None:
    """The program without the `with torch.no_grad():` on a line (its body moves out), or without that decorator or call."""
    for node in program.statements():
        match node:
            case ast.With(items=[item]) if node.lineno == line and _is_guard(item.context_expr):
                return _unwrapped(program, node)
            case ast.FunctionDef(decorator_list=decorators):
                for decorator in decorators:
                    if decorator.lineno == line and _is_guard(decorator):
                        return _without_lines(program, line, line)
            case ast.Expr(value=value) if node.lineno == line and _is_guard(value):
                return _without_lines(program, node.lineno, node.end_lineno or node.lineno)
    return None


def _is_guard(node: ast.expr) -> bool:
    return last_name(node.func if isinstance(node, ast.Call) else node) in _GUARDS


def _unwrapped(program: Program, block: ast.With) -> str:
    rows = program.code.splitlines(keepends=True)
    step = block.body[0].col_offset - block.col_offset
    start, end = block.body[0].lineno, block.end_lineno or block.lineno
    if start == block.lineno:  # the body stands on the line of the `with`
        alone = " " * block.col_offset + program.text(block.body[0]) + "\n"
        return "".join([*rows[: start - 1], alone, *rows[end:]])
    body = [row[step:] if row.strip() and row[:step].isspace() else row for row in rows[block.lineno : end]]
    return "".join([*rows[: block.lineno - 1], *body, *rows[end:]])


def _without_lines(program: Program, first: int, last: int) -> str:
    rows = program.code.splitlines(keepends=True)
    return "".join([*rows[: first - 1], *rows[last:]])


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
    sources = {id(part) for cut in cuts for part in ast.walk(cut)}
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
        return _is_exit(node) and (
            id(node) in self.within
            or any(
                (isinstance(part, ast.Name) and part.id in self.tainted) or id(part) in self.cuts
                for part in ast.walk(node)
            )
        )

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
