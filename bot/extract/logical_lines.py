"""Statements whose indentation is in doubt: which lines they take, and which names they use."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.extract.lines import open_brackets, opens_triple_quote
from bot.source import bound_names, parse

_OPENER = re.compile(
    r"^(?:@.*\n\s*)*(?:async\s+)?(?P<word>def|class|for|while|if|elif|with|else|try|except|finally)\b.*:\s*(?:#.*)?$"
)
_NAME = re.compile(r"(?<![.\w])[A-Za-z_]\w*")
_STRING = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|#[^\n]*")
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Statement:
    """One logical line: its physical lines, and what decides about its depth."""

    lines: tuple[str, ...]
    code: str  #: stripped; empty for blank lines and comments
    indent: int
    blank_before: bool
    word: str  #: the keyword that opens or continues a block, or ""
    reads: frozenset[str]
    writes: frozenset[str]


def logical_lines(lines: Sequence[str]) -> list[Statement]:
    """The lines as statements, those of several lines joined; a decorator belongs to what it decorates."""
    found: list[Statement] = []
    index = 0
    blank = False
    while index < len(lines):
        start = index
        index = _end(lines, index)
        text = "\n".join(lines[start:index])
        if not text.strip():
            blank = True
            found.append(Statement(("",), "", 0, False, "", frozenset(), frozenset()))
            continue
        code = "" if text.lstrip().startswith("#") else text.strip()
        match = _OPENER.match(code)
        word = match["word"] if match else ""
        reads, writes = _names(code)
        found.append(
            Statement(tuple(lines[start:index]), code, len(text) - len(text.lstrip()), blank, word, reads, writes)
        )
        blank = False
    return found


def _end(lines: Sequence[str], start: int) -> int:
    """The index behind the statement that begins here; a decorator belongs to what it decorates."""
    depth, quote = 0, None
    for index in range(start, len(lines)):
        line = lines[index]
        if quote is not None:
            quote = None if quote in line else quote
        else:
            quote = opens_triple_quote(line)
            depth += 0 if quote else open_brackets(line)
        decorates = line.lstrip().startswith("@")
        if depth <= 0 and quote is None and not decorates and not line.endswith("\\"):
            return index + 1
    return len(lines)


def _names(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names the statement reads and writes; heads are read with an empty body."""
    head = _OPENER.match(code)
    opening = "if x:\n pass\n" if head and head["word"] in ("elif", "else") else ""
    opening = "try:\n pass\n" if head and head["word"] in ("except", "finally") else opening
    tree = parse(code) or parse(f"{opening}{code}\n pass")
    plain = _STRING.sub(lambda match: " ".join(_FIELD.findall(match.group())), code)
    every = frozenset(_NAME.findall(plain))
    if tree is None:
        return every, frozenset()
    writes = set(bound_names(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            writes.update(argument.arg for argument in node.args.args)
            every -= writes
    return every, frozenset(writes)
