"""Programs that a post only tells of: "when I change `y = 2 * x` to `y = x * x`", "if I run `y.backward()` twice"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from bot.context.fill import mention_line
from bot.context.program import Line, Program, statements
from bot.domain.snippet import Assumption, AssumptionKind, Reading
from bot.source import bound_names, parse

#: More ways that one post tells of are not worth a run each.
_MOST = 2

_CODE = r"`+\s*([^`]{2,160}?)\s*`+"
_CHANGED = (
    re.compile(rf"\b(?:chang|replac|modif|switch|rewrit|turn)\w*\s+(?:the\s+line\s+)?{_CODE}\s+(?:in)?(?:to|with|by|for)\s+{_CODE}"),
    re.compile(rf"[把将將]\s*{_CODE}\s*(?:改|换|換|替换|替換|变|變)(?:成|为|為)(?:了)?\s*{_CODE}"),
)  # fmt: skip
_INSTEAD = (
    re.compile(rf"{_CODE}\s+(?:instead\s+of|in\s+place\s+of|rather\s+than)\s+{_CODE}"),
    re.compile(rf"用\s*{_CODE}\s*(?:代替|替代|替换|替換)\s*{_CODE}"),
)


_TWICE = re.compile(
    r"\b(?:twice|again|two times|2 times|a second time|once more|repeatedly)\b|两次|兩次|两遍|再次|第二次|再(?:运行|执行|跑|调用)|二次"
)


def told_of(program: Program, reading: Reading) -> Iterator[Program]:
    """The program with one of its lines changed as a sentence of the post says, at most two of them."""
    found = 0
    for old, new in _changes(reading.prose):
        place = _line_of(program, old)
        if place is None or parse(new) is None or found == _MOST:
            continue
        found += 1
        line = program.lines[place]
        indent = line.text[: len(line.text) - len(line.text.lstrip())]
        note = Assumption(
            kind=AssumptionKind.FROM_MENTION,
            text=f"the post tells of {old} changed to {new}",
            original=old,
            restored=new,
        )
        changed = Line(indent + new, line.origin, (*line.notes, note))
        yield replace(program, lines=(*program.lines[:place], changed, *program.lines[place + 1 :]))


def called_as_told(program: Program, reading: Reading, *, post: int) -> Iterator[Program]:
    """The program with its backward calls made those that a sentence of another post names, at most two such programs.

    Called twice where the sentence says so. `post` is the number of the post that was read.
    """
    tree = program.tree
    names = bound_names(tree) if tree is not None else frozenset()
    told = [code for code in reading.mentions if ".backward(" in code and parse(code) is not None]
    times = 2 if _TWICE.search(reading.prose) else 1
    for code in [code for code in told if code.split(".")[0] in names][:_MOST]:
        calls = tuple(mention_line(code, post=post) for _ in range(times))
        parts = [
            None if _calls_backward(statement, code.split(".")[0]) else lines
            for statement, lines in statements(program)
        ]
        place = parts.index(None) if None in parts else len(parts)
        kept = [*parts[:place], calls, *parts[place:]]
        yield replace(program, lines=tuple(line for lines in kept if lines is not None for line in lines))


def _calls_backward(statement: ast.stmt, name: str) -> bool:
    """Whether the statement is a backward call on the name: `y.backward()`, `y.sum().backward()`."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="backward")) as call):
            return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(call.func))
    return False


def _changes(prose: str) -> Iterator[tuple[str, str]]:
    """What was changed to what, in the order of the sentences."""
    told = [(match.start(), match[1], match[2]) for form in _CHANGED for match in form.finditer(prose)]
    told += [(match.start(), match[2], match[1]) for form in _INSTEAD for match in form.finditer(prose)]
    for _, old, new in sorted(told):
        if "\n" not in new:
            yield old, new


def _line_of(program: Program, code: str) -> int | None:
    """The only line that is this code, whatever its spaces and a comment behind it; None when none or several are."""
    wanted = _bare(code)
    places = [number for number, line in enumerate(program.lines) if _bare(line.text) == wanted]
    return places[0] if len(places) == 1 else None


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text.partition("#")[0])
