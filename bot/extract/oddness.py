"""How odd it would be to find a statement at a certain depth, by the blocks that are open and the names it uses."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


def opened(statement: Statement) -> Block:
    """The block that the statement opens."""
    return Block(statement.word, statement.code, statement.indent, statement.writes, statement.reads, statement.reads)


def oddness(state: State, statement: Statement, depth: int, left: tuple[Block, ...], *, trusted: bool) -> float:
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


def _leaving_cost(block: Block, statement: Statement, state: State) -> float:
    """The price of closing a block before this statement."""
    if statement.word in GOES_ON:
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
        case "with" if _updates_leaves(block, statement):
            return 3.0 + (1.0 if own else 0.0)
        case _:
            return (1.0 if own else 0.0) + (0.2 if statement.blank_before else 0.6)


def _staying_cost(block: Block, statement: Statement) -> float:
    """The price of leaving a block open for a statement that has nothing to do with it."""
    bound = bool(block.names & statement.reads)
    mentioned = bound or bool(block.mentions & (statement.reads | statement.writes))
    cost = 1.0 if statement.blank_before else 0.0
    match block.word:
        case "for" | "while" if _needs(statement.code, "return"):
            # A loop that returns in its first pass is no loop.
            return cost + 5.0
        case "for" | "while":
            if _DRAWS.search(statement.code):
                return cost + 3.5
            # A while loop that already moves towards its end is likelier over than a for loop.
            ends = block.word == "while" and block.names & block.condition and not statement.blank_before
            return cost + (1.4 if ends else 0.0) + (0.0 if bound or _TRAINS.search(statement.code) else 1.2)
        case "with":
            cost += 6.0 if ".backward(" in statement.code else 0.0
            cost += 0.4 if statement.code.startswith("print(") and not mentioned else 0.0
            return cost + (0.0 if mentioned or _updates_leaves(block, statement) else 0.4)
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


def _updates_leaves(block: Block, statement: Statement) -> bool:
    """Whether the statement is one of an update by hand, within a block that turns gradients off for it."""
    return "no_grad" in block.head and _UPDATES.search(statement.code) is not None


def _indent_cost(state: State, statement: Statement, depth: int) -> float:
    """How far the depth is from what the spaces in the post say."""
    if state.expects_body:
        return 0.0
    if depth < len(state.blocks) and statement.indent > state.blocks[depth].indent:
        return 5.0
    if depth and statement.indent <= state.blocks[depth - 1].indent:
        return 1.5
    return 0.0


def _in_class(blocks: tuple[Block, ...]) -> bool:
    return _any_word(blocks, "class")


def _any_word(blocks: tuple[Block, ...], *words: str) -> bool:
    return any(block.word in words for block in blocks)


def _needs(code: str, *words: str) -> bool:
    return re.match(rf"(?:{'|'.join(words)})\b", code) is not None


def _import(code: str) -> bool:
    return re.match(r"import\s|from\s+\S+\s+import\s", code) is not None
