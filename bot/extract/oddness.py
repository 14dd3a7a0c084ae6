"""How odd it would be to find a statement at a certain depth, by the blocks that are open and the names it uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bot.extract.logical_lines import Statement

GOES_ON = {
    "elif": ("if", "elif"),
    "else": ("if", "elif", "for", "while", "except", "try"),
    "except": ("try", "except"),
    "finally": ("try", "except", "else"),
}
_ECHO = re.compile(r"^[A-Za-z_][\w.]*(?:\s*,\s*[A-Za-z_][\w.]*)*$")
_DRAWS = re.compile(r"\bplt\.|\.plot\(|\.show\(|^plot\(")
_UPDATES = re.compile(r"\.grad\b(?!\()|\.(?:zero|sub|add|mul|div|copy|fill)_\(|zero_grad\(|^[\w.\[\]]+ ?[-+]= ")
_TRAINS = re.compile(r"no_grad|zero_grad|\.step\(\)|\.backward\(|\.zero_\(|[-+]= .*\.grad\b|= \w+ - .*\.grad\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A block that is open at some point."""

    word: str
    head: str  #: its opening line
    indent: int  #: of its opening line in the post
    names: frozenset[str]  #: bound by its head or within it
    mentions: frozenset[str]  #: read by its head or within it
    condition: frozenset[str]  #: read by its head


@dataclass(frozen=True, slots=True)
class State:
    """A way to indent the statements so far."""

    depths: tuple[int, ...] = ()
    blocks: tuple[Block, ...] = ()
    expects_body: bool = False
    left: bool = False  #: the line above was a return, break, raise
    cost: float = 0.0
    outer: frozenset[str] = frozenset()  #: bound outside of every block
    loose: frozenset[str] = frozenset()  #: bound only within loops that have ended


@dataclass(frozen=True, slots=True)
class _Signs:
    """What a statement's text says about the depth it stands at."""

    method: bool
    imports: bool
    main: bool  #: `if __name__ == ...`
    gives: bool  #: return, yield
    returns: bool
    jumps: bool  #: break, continue
    echo: bool
    prints: bool
    draws: bool
    trains: bool
    updates: bool
    backward: bool
    called: frozenset[str]


@lru_cache(maxsize=512)
def _signs(code: str) -> _Signs:
    # Each statement is looked at in every place where it may stand.
    decorated = code.startswith("@")
    method = ("(self" in code or "@staticmethod" in code or decorated) and not code.startswith("@torch.no_grad")
    return _Signs(
        method=method,
        imports=re.match(r"import\s|from\s+\S+\s+import\s", code) is not None,
        main="__name__" in code,
        gives=re.match(r"(?:return|yield)\b", code) is not None,
        returns=re.match(r"return\b", code) is not None,
        jumps=re.match(r"(?:break|continue)\b", code) is not None,
        echo=_ECHO.match(code) is not None,
        prints=code.startswith("print("),
        draws=_DRAWS.search(code) is not None,
        trains=_TRAINS.search(code) is not None,
        updates=_UPDATES.search(code) is not None,
        backward=".backward(" in code,
        called=frozenset(re.findall(r"\b(\w+)\(", code)),
    )


def opened(statement: Statement) -> Block:
    """The block that the statement opens."""
    return Block(statement.word, statement.code, statement.indent, statement.writes, statement.reads, statement.reads)


def oddness(state: State, statement: Statement, depth: int, *, trusted: bool) -> float:
    """How odd it would be to find the statement at this depth."""
    cost = _indent_cost(state, statement, depth) if trusted else 0.0
    signs = _signs(statement.code)
    inner = state.blocks[depth - 1] if depth else None
    if state.left and depth == len(state.blocks) and not state.expects_body and not statement.word:
        cost += 8.0
    if statement.word in ("def", "class") or statement.code.startswith("@"):
        in_class = inner is not None and inner.word == "class"
        method = signs.method and _any_word(state.blocks, "class")
        cost += (0.0 if in_class else 6.0) if method else 3.0 * depth
    if statement.word == "else" and state.blocks[depth].word in ("for", "while"):
        cost += 5.0
    if signs.imports:
        cost += 2.0 * depth
    if signs.main and statement.word == "if":
        cost += 6.0 * depth
    if signs.gives and not _any_word(state.blocks[:depth], "def"):
        cost += 20.0
    if signs.jumps and not _any_word(state.blocks[:depth], "for", "while"):
        cost += 20.0
    cost += _cost_of_leaving(state, statement, signs, depth)
    if inner is not None and not state.expects_body:
        cost += 3.0 if inner.word == "class" and not statement.word else 0.0
        cost += _staying_cost(inner, statement, signs) + (3.0 if signs.echo else 0.0)
    if not depth:
        cost += 1.5 * len(state.loose & statement.reads)
    return cost


def _cost_of_leaving(state: State, statement: Statement, signs: _Signs, depth: int) -> float:
    """The price of closing the blocks that are deeper."""
    if depth == len(state.blocks):
        return 0.0
    known = state.outer.union(*(block.names for block in state.blocks[:depth]))
    cost = 0.0
    for block in state.blocks[depth:]:
        own = bool((block.names & statement.reads) - known)
        cost += _leaving_cost(block, statement, signs, state, own=own)
        known = known | block.names
    return cost


def _leaving_cost(block: Block, statement: Statement, signs: _Signs, state: State, *, own: bool) -> float:
    """The price of closing a block before this statement; `own`: it reads what only the block binds."""
    if statement.word in GOES_ON:
        return 1.0
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
        case "with" if signs.updates and "no_grad" in block.head:
            # An update by hand stands where gradients are off.
            return 3.0 + (1.0 if own else 0.0)
        case _:
            return (1.0 if own else 0.0) + (0.2 if statement.blank_before else 0.6)


def _staying_cost(block: Block, statement: Statement, signs: _Signs) -> float:
    """The price of leaving a block open for a statement that has nothing to do with it."""
    bound = bool(block.names & statement.reads)
    mentioned = bound or bool(block.mentions & (statement.reads | statement.writes))
    cost = 1.0 if statement.blank_before else 0.0
    match block.word:
        case "for" | "while" if signs.returns:
            # A loop that returns in its first pass is no loop.
            return cost + 5.0
        case "for" | "while":
            if signs.draws:
                return cost + 3.5
            # A while loop that already moves towards its end is likelier over than a for loop.
            ends = block.word == "while" and block.names & block.condition and not statement.blank_before
            return cost + (1.4 if ends else 0.0) + (0.0 if bound or signs.trains else 1.2)
        case "with":
            cost += 6.0 if signs.backward else 0.0
            cost += 0.4 if signs.prints and not mentioned else 0.0
            return cost + (0.0 if mentioned or (signs.updates and "no_grad" in block.head) else 0.4)
        case "def":
            cost += 4.0 if signs.called & block.names & statement.reads else 0.0
            return cost + (0.0 if bound else 1.0)
        case "if" if "__name__" in block.mentions:
            return 0.0
        case "if" | "elif" | "else":
            return cost + (1.6 if signs.returns else 0.7)
        case _:
            return cost


def _indent_cost(state: State, statement: Statement, depth: int) -> float:
    """How far the depth is from what the spaces in the post say."""
    if state.expects_body:
        return 0.0
    if depth < len(state.blocks) and statement.indent > state.blocks[depth].indent:
        return 5.0
    if depth and statement.indent <= state.blocks[depth - 1].indent:
        return 1.5
    return 0.0


def _any_word(blocks: tuple[Block, ...], *words: str) -> bool:
    return any(block.word in words for block in blocks)
