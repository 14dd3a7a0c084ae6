"""Every two entries of one family are told apart in `knowledge/README.md` and in a test."""

from itertools import combinations, pairwise

import pytest
from markdown_it import MarkdownIt

from bot.library import read_library, shipped_folder
from tests.knowledge import test_separations_leaf as leaf
from tests.knowledge import test_separations_no_graph as no_graph
from tests.knowledge import test_separations_questions as questions
from tests.knowledge import test_separations_training as training

LIBRARY = read_library()
FAMILIES = {
    family: names
    for family in sorted({entry.family for entry in LIBRARY})
    if len(names := [entry.name for entry in LIBRARY if entry.family == family]) > 1
}
PAIRS = [*leaf.PAIRS, *training.PAIRS, *questions.PAIRS, *combinations(no_graph.FAMILY, 2)]


def rows() -> dict[str, set[str]]:
    """The first cell of each row of each section's tables, as Markdown has it, by the section's heading."""
    found: dict[str, set[str]] = {}
    tokens = (
        MarkdownIt("commonmark").enable("table").parse((shipped_folder() / "README.md").read_text(encoding="utf-8"))
    )
    section = ""
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            section = token.content
        elif before.type == "td_open":
            found.setdefault(section, set()).update(token.content.split(", "))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_each_entry_of_a_family_has_a_row_in_the_familys_table(family: str) -> None:
    assert set(FAMILIES[family]) <= rows()[family.capitalize()]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_pair_of_a_family_has_a_program(family: str) -> None:
    held = {frozenset(pair) for pair in PAIRS}

    assert [pair for pair in combinations(FAMILIES[family], 2) if frozenset(pair) not in held] == []
