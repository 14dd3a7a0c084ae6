"""docs/security.md says nothing that no test shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"
REFERENCE = re.compile(r"`((?:attacks|sandbox)/\w+\.py)::(\w+)`")


def statements() -> list[str]:
    """List items, table rows with content and paragraphs below the first heading of the second level."""
    text = "## " + PAGE.read_text(encoding="utf-8").split("\n## ", 1)[1]
    text = re.sub(r"^(?: {4}.*\n?)+", "", text, flags=re.MULTILINE)  # what is typed or pasted
    blocks = re.split(r"\n\s*\n|\n(?=- |\|)", text)
    return [
        block.strip()
        for block in blocks
        if block.strip() and not block.startswith(("#", "|---", "| layer")) and " " in block.strip()
    ]


@pytest.mark.parametrize("file", sorted({file for file, _ in REFERENCE.findall(PAGE.read_text(encoding="utf-8"))}))
def test_every_test_that_is_named_is_there(file: str) -> None:
    there = {node.name for node in ast.walk(ast.parse((TESTS / file).read_text())) if isinstance(node, ast.FunctionDef)}
    named = {name for where, name in REFERENCE.findall(PAGE.read_text(encoding="utf-8")) if where == file}

    assert named <= there


def test_every_statement_names_its_test_or_says_that_it_was_not_tried() -> None:
    bare = [
        one for one in statements() if not REFERENCE.search(one) and "*not tried here*" not in one.replace("\n", " ")
    ]

    assert bare == []
