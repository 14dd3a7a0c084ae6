"""Indentation that a post lost, rebuilt from the grammar and from which names each line uses."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.extract.logical_lines import Statement, logical_lines
from bot.source import parse

_STEP = "    "
_MOST_LINES = 150
_BEAM = 12

_GOES_ON = {
    "elif": ("if", "elif"),
    "else": ("if", "elif", "for", "while", "except", "try"),
    "except": ("try", "except"),
    "finally": ("try", "except", "else"),
}
_LEAVES = re.compile(r"^(?:return|break|continue|raise|pass)\b")
_ECHO = re.compile(r"^[A-Za-z_][\w.]*(?:\s*,\s*[A-Za-z_][\w.]*)*$")
_DRAWS = re.compile(r"\bplt\.|\.plot\(|\.show\(|^plot\(")
_TRAINS = re.compile(r"no_grad|zero_grad|\.step\(\)|\.backward\(|\.zero_\(|[-+]= .*\.grad\b|= \w+ - .*\.grad\b")


def dedented(lines: Sequence[str]) -> list[str]:
    """The lines without the indentation they share; a first line that lost its own gets it back."""
    plain = textwrap.dedent("\n".join(lines)).split("\n")
    if parse("\n".join(plain)) is not None or len(plain) < 2:
        return plain
    rest = textwrap.dedent("\n".join(lines[1:])).split("\n")
    first = lines[0].lstrip()
    if not first.endswith(":") and parse("\n".join([first, *rest])) is not None:
        return [first, *rest]
    return plain


def rebuilt(lines: Sequence[str]) -> list[str] | None:
    """The lines indented so that they parse, or None when no indentation makes them parse.

    First the indentation that is there is trusted as far as it goes; then it is rebuilt from nothing.
    """
    if len(lines) > _MOST_LINES:
        return None
    statements = logical_lines(lines)
    indented = any(statement.indent for statement in statements)
    for trusted in (True, False) if indented else (False,):
        states = _search(statements, trusted=trusted)
        for state in states:
            result = _laid_out(statements, state.depths)
            if parse("\n".join(result)) is not None:
                return result
    return None


@dataclass(frozen=True, slots=True)
class _Block:
    """A block that is open at some point."""

    word: str
    indent: int  #: of its opening line in the post
    names: frozenset[str]  #: bound by its head or within it
    mentions: frozenset[str]  #: read by its head or within it
    condition: frozenset[str]  #: read by its head


@dataclass(frozen=True, slots=True)
class _State:
    depths: tuple[int, ...] = ()
    blocks: tuple[_Block, ...] = ()
    expects_body: bool = False
    left: bool = False  #: the line above was a return, break, raise
    cost: float = 0.0
    outer: frozenset[str] = frozenset()  #: bound outside of every block
    loose: frozenset[str] = frozenset()  #: bound only within loops that have ended


def _search(statements: list[Statement], *, trusted: bool) -> list[_State]:
    """The cheapest ways to indent the statements, best first."""
    beam = [_State()]
    for statement in statements:
        if not statement.code:
            beam = [replace(state, depths=(*state.depths, -1)) for state in beam]
            continue
        following = [
            _placed(state, statement, depth, trusted=trusted) for state in beam for depth in _depths(state, statement)
        ]
        beam = sorted(following, key=lambda state: state.cost)[:_BEAM]
    return [state for state in beam if not state.expects_body]


def _depths(state: _State, statement: Statement) -> list[int]:
    """The depths at which the grammar allows the statement."""
    deepest = len(state.blocks)
    if state.expects_body:
        return [deepest]
    if statement.word in _GOES_ON:
        return [depth for depth, block in enumerate(state.blocks) if block.word in _GOES_ON[statement.word]]
    return list(range(deepest + 1))


def _placed(state: _State, statement: Statement, depth: int, *, trusted: bool) -> _State:
    left = state.blocks[depth:]
    cost = state.cost + _cost(state, statement, depth, left, trusted=trusted)
    blocks = state.blocks[:depth]
    outer, loose = state.outer, state.loose
    for block in left:
        if block.word in ("for", "while"):
            loose = loose | (block.names - outer)
    if blocks:
        inner = blocks[-1]
        grown = replace(inner, names=inner.names | statement.writes, mentions=inner.mentions | statement.reads)
        blocks = (*blocks[:-1], grown)
    else:
        outer, loose = outer | statement.writes, loose - statement.writes
    if statement.word:
        blocks = (*blocks, _Block(statement.word, statement.indent, statement.writes, statement.reads, statement.reads))
    return _State(
        depths=(*state.depths, depth),
        blocks=blocks,
        expects_body=bool(statement.word),
        left=bool(_LEAVES.match(statement.code)),
        cost=cost,
        outer=outer,
        loose=loose,
    )


def _cost(state: _State, statement: Statement, depth: int, left: tuple[_Block, ...], *, trusted: bool) -> float:
    """How odd it would be to find the statement at this depth."""
    cost = 0.0
    stays = not left
    if trusted:
        cost += _indent_cost(state, statement, depth)
    if state.left and stays and not state.expects_body and not statement.word:
        cost += 8.0
    if statement.word in ("def", "class") or statement.code.startswith("@"):
        method = "(self" in statement.code or "@staticmethod" in statement.code or statement.code.startswith("@")
        inside_class = depth > 0 and state.blocks[depth - 1].word == "class"
        if statement.code.startswith("@torch.no_grad"):
            method = False
        cost += (0.0 if inside_class else 6.0) if method and _in_class(state.blocks) else 3.0 * depth
    if statement.word == "else" and state.blocks[depth].word in ("for", "while"):
        cost += 5.0
    if _import(statement.code):
        cost += 2.0 * depth
    if "__name__" in statement.code and statement.word == "if":
        cost += 6.0 * depth
    if _needs(statement.code, "return", "yield") and not _any_word(state.blocks[:depth], "def"):
        cost += 20.0
    if _needs(statement.code, "break", "continue") and not _any_word(state.blocks[:depth], "for", "while"):
        cost += 20.0
    if depth and state.blocks[depth - 1].word == "class" and not statement.word and not state.expects_body:
        cost += 3.0
    for block in left:
        cost += _leaving_cost(block, statement, state)
    if depth and not state.expects_body:
        cost += _staying_cost(state.blocks[depth - 1], statement)
        cost += 3.0 if _ECHO.match(statement.code) else 0.0
    if not depth:
        cost += 1.5 * len(state.loose & statement.reads)
    return cost


def _leaving_cost(block: _Block, statement: Statement, state: _State) -> float:
    """The price of closing a block before this statement."""
    if statement.word in _GOES_ON:
        return 1.0
    enclosing = state.blocks[: state.blocks.index(block)]
    own = (block.names & statement.reads) - state.outer.union(*(outer.names for outer in enclosing))
    match block.word:
        case "def":
            return (6.0 if own else 0.0) + (0.0 if state.left or statement.blank_before else 2.5)
        case "class":
            return 4.0 if "self" in statement.reads else 0.0
        case "for" | "while":
            return (3.0 if own else 0.0) + (0.2 if statement.blank_before else 1.0)
        case "if" if "__name__" in block.mentions:
            return 5.0
        case "if" | "elif" | "else":
            return 0.0 if state.left else 0.4
        case _:
            return (1.0 if own else 0.0) + (0.2 if statement.blank_before else 0.6)


def _staying_cost(block: _Block, statement: Statement) -> float:
    """The price of leaving a block open for a statement that has nothing to do with it."""
    bound = bool(block.names & statement.reads)
    mentioned = bound or bool(block.mentions & (statement.reads | statement.writes))
    cost = 1.0 if statement.blank_before else 0.0
    match block.word:
        case "for" | "while":
            if _DRAWS.search(statement.code):
                return cost + 3.5
            # A while loop that already moves towards its end is likelier over than a for loop.
            ends = block.word == "while" and block.names & block.condition and not statement.blank_before
            return cost + (1.4 if ends else 0.0) + (0.0 if bound or _TRAINS.search(statement.code) else 1.2)
        case "with":
            cost += 6.0 if ".backward(" in statement.code else 0.0
            return cost + (0.0 if mentioned else 0.4)
        case "def":
            called = set(re.findall(r"\b(\w+)\(", statement.code))
            cost += 4.0 if called & block.names & statement.reads else 0.0
            return cost + (0.0 if bound else 1.0)
        case "if" if "__name__" in block.mentions:
            return 0.0
        case "if" | "elif" | "else":
            return cost + (1.6 if statement.code.startswith("return") else 0.7)
        case _:
            return cost


def _indent_cost(state: _State, statement: Statement, depth: int) -> float:
    """How far the depth is from what the spaces in the post say."""
    if state.expects_body:
        return 0.0
    if depth < len(state.blocks) and statement.indent > state.blocks[depth].indent:
        return 5.0
    if depth and statement.indent <= state.blocks[depth - 1].indent:
        return 1.5
    return 0.0


def _in_class(blocks: tuple[_Block, ...]) -> bool:
    return _any_word(blocks, "class")


def _any_word(blocks: tuple[_Block, ...], *words: str) -> bool:
    return any(block.word in words for block in blocks)


def _needs(code: str, *words: str) -> bool:
    return re.match(rf"(?:{'|'.join(words)})\b", code) is not None


def _import(code: str) -> bool:
    return re.match(r"import\s|from\s+\S+\s+import\s", code) is not None


def _laid_out(statements: list[Statement], depths: tuple[int, ...]) -> list[str]:
    result: list[str] = []
    for index, (statement, depth) in enumerate(zip(statements, depths, strict=True)):
        if depth < 0:
            following = next((deep for deep in depths[index:] if deep >= 0), 0)
            result.extend(_STEP * following + line.strip() if line.strip() else "" for line in statement.lines)
            continue
        first, *rest = statement.lines
        shift = len(_STEP * depth) - statement.indent
        result.append(_STEP * depth + first.strip())
        for line in rest:
            heads = first.lstrip().startswith("@") and line.lstrip().startswith(("@", "def ", "class "))
            result.append(_STEP * depth + line.strip() if heads else _shifted(line, shift))
    return result


def _shifted(line: str, by: int) -> str:
    if by >= 0:
        return " " * by + line if line.strip() else line
    return line[min(-by, len(line) - len(line.lstrip())) :]
