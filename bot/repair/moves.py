"""Edits that several entries make: statements moved into a loop, a state detached, an update put under no_grad.

Like `toolkit.py`, this file may be imported by `knowledge/*/rewrite.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from bot.repair.toolkit import Program, Target, last_name

Loop = ast.For | ast.While


def loop_around(program: Program, statement: ast.stmt) -> Loop | None:
    """The innermost loop of the same function that holds a statement."""
    found: Loop | None = None
    for node in ast.walk(program.tree):
        if isinstance(node, (ast.For, ast.While)) and node is not statement and _holds(node, statement):
            within = [part for part in ast.walk(node) if isinstance(part, ast.FunctionDef)]
            if not any(_holds(part, statement) for part in within) and (found is None or _holds(found, node)):
                found = node
    return found


def block_of(program: Program, statement: ast.stmt) -> list[ast.stmt]:
    """The statements among which a statement stands."""
    for node in ast.walk(program.tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and any(part is statement for part in block):
                return block
    return []


def function_of(program: Program, statement: ast.stmt) -> ast.AST:
    """The innermost function that holds a statement, or the program."""
    found: ast.AST = program.tree
    for node in ast.walk(program.tree):
        inner = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node is not statement
        if inner and _holds(node, statement):
            found = node
    return found


def rebuilt(program: Program, *, without: Iterable[ast.stmt] = (), before: Mapping[int, str] | None = None) -> str:
    """The code without the lines of some statements, and with rows put before some lines (as they are, indented)."""
    gone = {line for part in without for line in range(part.lineno, (part.end_lineno or part.lineno) + 1)}
    rows = program.code.splitlines(keepends=True)
    out: list[str] = []
    for number in range(1, len(rows) + 2):
        out.extend(f"{row}\n" for row in (before or {}).get(number, "").splitlines())
        if number <= len(rows) and number not in gone:
            row = rows[number - 1]
            out.append(row if row.endswith("\n") else row + "\n")
    return "".join(out)


def indented(program: Program, statement: ast.stmt, column: int) -> str:
    """A statement's lines, moved so that it begins at a column."""
    shift = column - statement.col_offset
    rows = program.code.splitlines()[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(
        " " * shift + row if shift >= 0 else row[min(-shift, len(row) - len(row.lstrip())) :] for row in rows
    )


def computed_inside(program: Program, target: Target) -> str | None:
    """The program with the forward pass moved into the loop that calls backward; None when it does not stand before it."""
    backward = program.statement_at(target.error_line or 0)
    loop = loop_around(program, backward) if backward is not None else None
    if backward is None or loop is None:
        return None
    lines = {int(number) for number in target.names.get("FORWARD", "").split()[1:]}
    block = standing_before(program, loop)
    moved = [part for part in block if isinstance(part, ast.Assign) and lines & set(range(part.lineno, _end(part) + 1))]
    assigned = {name for part in ast.walk(loop) if isinstance(part, ast.stmt) for name in _names_made(part)}
    if not moved or any(_names_made(statement) & assigned for statement in moved):
        return None
    first = loop.body[0]
    rows = "\n".join(indented(program, statement, first.col_offset) for statement in moved)
    return rebuilt(program, without=moved, before={first.lineno: rows})


def standing_before(program: Program, statement: ast.stmt) -> list[ast.stmt]:
    """The statements of a block that stand before one of it."""
    block = block_of(program, statement)
    return block[: next(place for place, part in enumerate(block) if part is statement)]


def detached_state(program: Program, target: Target) -> str | None:
    """The program with the carried state detached: after the backward where both stand in one function, else where it is
    used again."""
    state = target.names.get("H")
    backward = program.statement_at(target.error_line or 0)
    use = statement_like(program, target.names.get("USE"))
    if state is None or backward is None or use is None:
        return None
    detach = f"{state} = {state}.detach()"
    if "TUPLE" in target.names:
        detach = f"{state} = tuple(part.detach() for part in {state})"
    if function_of(program, backward) is function_of(program, use):
        return program.inserted_after(backward, detach)
    return program.inserted_before(use, detach)


def detached_side(program: Program, target: Target) -> str | None:
    """The program with the other side's output detached where it is used."""
    name = target.names.get("H")
    use = statement_like(program, target.names.get("USE"))
    if name is None or use is None:
        return None
    places = [
        node
        for node in ast.walk(use)
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == name
    ]
    return program.replaced((node, f"{program.text(node)}.detach()") for node in places) if places else None


def without_retain(program: Program, target: Target) -> str | None:
    """The program whose blamed calls no longer keep their graph; None when none of them does."""
    calls = [
        (call, word)
        for call in program.calls("backward")
        for word in call.keywords
        if word.arg == "retain_graph" and call.lineno in (target.cause_line, target.error_line)
    ]
    if not calls:
        return None
    changes = []
    for call, _ in calls:
        kept = [program.text(part) for part in call.args]
        kept += [program.text(word) for word in call.keywords if word.arg != "retain_graph"]
        changes.append((call, f"{program.text(call.func)}({', '.join(kept)})"))
    return program.replaced(changes)


def statement_like(program: Program, text: str | None) -> ast.stmt | None:
    """The first simple statement whose first line reads like this."""
    rows = program.code.splitlines()
    for statement in sorted(program.statements(), key=lambda node: node.lineno):
        if text and rows[statement.lineno - 1].strip() == text and not hasattr(statement, "body"):
            return statement
    return None


def under_no_grad(program: Program, statements: list[ast.stmt]) -> str:
    """The program with neighbouring statements put under `torch.no_grad()`."""
    first = statements[0]
    head = " " * first.col_offset + "with torch.no_grad():"
    rows = [indented(program, statement, first.col_offset + 4) for statement in statements]
    return rebuilt(program, without=statements, before={first.lineno: "\n".join([head, *rows])})


def out_of_place(program: Program, line: int | None) -> str | None:
    """The program whose in-place statement at a line makes a new tensor instead; None where that cannot be said."""
    statement = program.statement_at(line or 0)
    match statement:
        case ast.AugAssign(target=ast.Name() | ast.Attribute()):
            return program.replaced([(statement, _assigned_anew(program, statement))])
        case ast.AugAssign(target=ast.Subscript(value=owner)) | ast.Assign(targets=[ast.Subscript(value=owner)]):
            while isinstance(owner, ast.Subscript):
                owner = owner.value
            name = program.text(owner)
            return program.inserted_before(statement, f"{name} = {name}.clone()")
        case ast.Expr(value=ast.Call() as call):
            return _method_anew(program, statement, call)
        case ast.Assign(value=ast.Call() as call) | ast.Return(value=ast.Call() as call):
            plain = _plain_call(program, call)
            return None if plain is None else program.replaced([(call, plain)])
    return None


def _assigned_anew(program: Program, statement: ast.AugAssign) -> str:
    sign = {
        ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@", ast.Mod: "%",
        ast.FloorDiv: "//", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    }[type(statement.op)]  # fmt: skip
    value = program.text(statement.value)
    if isinstance(statement.value, (ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Compare, ast.BoolOp)) and not (
        sign == "+"
        and isinstance(statement.value, ast.BinOp)
        and not isinstance(statement.value.op, (ast.BitOr, ast.BitAnd))
    ):
        value = f"({value})"
    name = program.text(statement.target)
    return f"{name} = {name} {sign} {value}"


def _method_anew(program: Program, statement: ast.stmt, call: ast.Call) -> str | None:
    """`y.add_(1)` as a statement → `y = y.add(1)`."""
    plain = _plain_call(program, call)
    if plain is None or not isinstance(call.func, ast.Attribute):
        return None
    owner = call.func.value
    if isinstance(owner, ast.Name) and owner.id in ("torch", "F"):
        owner = call.args[0]
    if isinstance(owner, ast.Subscript):
        name = program.text(owner.value)
        return program.inserted_before(statement, f"{name} = {name}.clone()")
    if not isinstance(owner, (ast.Name, ast.Attribute)):
        return None
    return program.replaced([(statement, f"{program.text(owner)} = {plain}")])


def _plain_call(program: Program, call: ast.Call) -> str | None:
    """The call by its name without the underscore, or without `inplace=True`."""
    name = last_name(call.func)
    if (
        name.endswith("_")
        and not name.endswith("__")
        and name not in ("zero_", "copy_", "fill_", "normal_", "uniform_")
    ):
        text = program.text(call)
        function = program.text(call.func)
        return function.removesuffix("_") + text[len(function) :]
    if any(word.arg == "inplace" for word in call.keywords):
        kept = [program.text(part) for part in call.args]
        kept += [program.text(word) for word in call.keywords if word.arg != "inplace"]
        return f"{program.text(call.func)}({', '.join(kept)})"
    return None


def _holds(outer: ast.AST, inner: ast.AST) -> bool:
    return any(part is inner for part in ast.walk(outer))


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _names_made(node: ast.AST) -> set[str]:
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        return set()
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def computes(statement: ast.Assign) -> bool:
    """Whether an assignment computes something, rather than makes data, a leaf or a module."""
    text = ast.unparse(statement.value)
    makes = (
        "torch.tensor",
        "requires_grad",
        "torch.rand",
        "torch.ones",
        "torch.zeros",
        "torch.arange",
        "torch.linspace",
    )
    modules = (
        "nn.",
        "optim.",
        "Parameter",
        "DataLoader",
        "torch.manual_seed",
        "torch.normal",
        "torch.full",
        "torch.eye",
    )
    if any(word in text for word in makes):
        return False
    heads = ast.unparse(statement.value.func) if isinstance(statement.value, ast.Call) else ""
    if heads.startswith(modules) and not isinstance(getattr(statement.value, "func", None), ast.Call):
        return heads.startswith(("nn.functional", "torch.nn.functional"))
    capital = isinstance(statement.value, ast.Call) and last_name(statement.value.func)[:1].isupper()
    return not capital and not isinstance(statement.value, (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Lambda))


def wrapped(text: str) -> bool:
    """Whether the first parenthesis of an expression closes at its end."""
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return place == len(text) - 1
    return False
