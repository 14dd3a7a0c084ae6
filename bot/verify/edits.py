"""Which lines a repair touched, and whether it had to."""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Mapping

from bot.domain.diagnosis import Check, CheckState, Diagnosis, Repair
from bot.source.parsing import parse


def line_map(before: str, after: str) -> dict[int, int]:
    """For each line of `before` that still stands in `after`, be it at another indentation: its number there."""
    blocks = matcher(before, after).get_matching_blocks()
    return {start + step + 1: new + step + 1 for start, new, size in blocks for step in range(size)}


def edited(before: str, after: str) -> list[int]:
    """The lines of `before` that were changed or removed; insertions, indentation and another place leave them alone."""
    kept = [line.strip() for line in after.splitlines()]
    lines = before.splitlines()
    return [
        line + 1
        for kind, start, end, _, _ in matcher(before, after).get_opcodes()
        if kind in ("replace", "delete")
        for line in range(start, end)
        if lines[line].strip() not in kept
    ]


def matcher(before: str, after: str) -> difflib.SequenceMatcher[str]:
    """Compares two programs line by line, whatever their indentation."""
    one, other = ([line.strip() for line in code.splitlines()] for code in (before, after))
    return difflib.SequenceMatcher(a=one, b=other, autojunk=False)


def minimal(original: str, repair: Repair, diagnoses: tuple[Diagnosis, ...]) -> Check:
    """Whether only lines of what is mended were touched, and the asker's comments and names stay."""
    lost = _comments(original) - _comments(repair.code)
    if lost:
        return Check(state=CheckState.NO, why=f"the comment {min(lost)!r} is gone")
    gone = _assigned(original) - _spoken(repair.code)
    if gone:
        return Check(state=CheckState.NO, why=f"the name {min(gone)} is gone")
    numbers: Mapping[str, object] = {"changed_lines": list(repair.changed), "lines": len(original.splitlines())}
    named = {name for diagnosis in diagnoses for name in diagnosis.names.values()}
    lines = original.splitlines()
    allowed = {line for diagnosis in diagnoses for line in (diagnosis.error_line, diagnosis.cause_line)}
    touched = edited(original, repair.code)
    carried = _carried(original, [line for line in touched if line in allowed])
    for line in touched:
        text = lines[line - 1]
        about = any(name and name in text for name in named) or bool(set(re.findall(r"\w+", text)) & carried)
        if line not in allowed and not about and "backward" not in text:
            return Check(state=CheckState.NO, why=f"line {line} has nothing to do with the fix", numbers=numbers)
    return Check(state=CheckState.YES, why="only lines of the fix were touched", numbers=numbers)


def _carried(code: str, lines: list[int]) -> set[str]:
    """The names that pass on what is computed on these lines."""
    names: set[str] = set()
    for node in sorted(_nodes(code), key=lambda one: getattr(one, "lineno", 0)):
        if isinstance(node, ast.Assign):
            used = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            if used & names or node.lineno in lines:
                names |= {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


def _comments(code: str) -> set[str]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return set()
    return {token.string.strip() for token in tokens if token.type == tokenize.COMMENT}


def _assigned(code: str) -> set[str]:
    return {node.id for node in _nodes(code) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _spoken(code: str) -> set[str]:
    """The names that stand in a program, be they given, read or an argument."""
    nodes = _nodes(code)
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.arg for node in nodes if isinstance(node, ast.arg)
    }


def _nodes(code: str) -> list[ast.AST]:
    """The nodes of a program; none when it does not parse, as code written by hand may not."""
    tree = parse(code)
    return [] if tree is None else list(ast.walk(tree))
