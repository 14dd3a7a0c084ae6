"""Entries are read from their folders, and a mistake in one is named with its file, key and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.diagnose.signals import known_words
from bot.domain.post import Language
from bot.errors import KnowledgeError, NotFound
from bot.library import read_entry, read_library, shipped_folder

NAME = "non_scalar_backward"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a good entry, to be spoilt."""
    copy = tmp_path / "admins" / NAME
    shutil.copytree(shipped_folder() / NAME, copy)
    return copy


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "confusion.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def complaint(folder: Path) -> str:
    with pytest.raises(KnowledgeError) as caught:
        read_entry(folder, own=False, words=known_words())
    return str(caught.value)


def test_the_projects_entries_are_read_in_the_order_of_their_names() -> None:
    names = [entry.name for entry in read_library(words=known_words())]
    assert names == sorted(names)
    assert NAME in names
    assert "contexts" not in names


def test_an_admins_entry_lies_over_the_projects_own(folder: Path) -> None:
    edit(folder, "title.en = ", 'title.en = "mine" #')
    entry = read_library(folder.parent, words=known_words()).get(NAME)
    assert (entry.title[Language.ENGLISH], entry.own) == ("mine", False)


def test_a_folder_that_is_not_there_brings_nothing(tmp_path: Path) -> None:
    assert len(read_library(tmp_path / "none")) == len(read_library())


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match=f'Did you mean "{NAME}"'):
        read_library().get("non_scalar_backwards")


def test_a_retired_entry_is_left_out() -> None:
    library = read_library()
    assert NAME not in [entry.name for entry in library.without_retired([NAME])]


def test_an_unknown_word_names_the_word_meant_and_lists_the_known_ones(folder: Path) -> None:
    edit(folder, "raises = ", "raise = ")
    lines = complaint(folder).split("\n")
    assert lines[0] == f"{NAME}/confusion.toml, [seen]"
    assert lines[1] == '  unknown word "raise". Did you mean "raises"?'
    assert lines[2].startswith("  known words: ")
    assert "backward_calls" in lines[2]
    assert lines[2].endswith("(explained by: autograd-bot knowledge words)")


@pytest.mark.parametrize("place", ["any = [{ wrong = 1 }]", "not = { wrong = 1 }", "any = [{ not = { wrong = 1 } }]"])
def test_an_unknown_word_is_found_within_any_and_not(folder: Path, place: str) -> None:
    edit(folder, "[seen]\n", f"[seen]\n{place}\n")
    assert 'unknown word "wrong"' in complaint(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("family = ", "familly = ", 'unknown key "familly". Did you mean "family"?'),
        ("kind = \"mistake\"", "kind = \"error\"", 'the key "kind"'),
        ("where = \"error_line\"", "where = \"somewhere\"", "where"),
        ("replace = ", "replaces = ", 'Did you mean "replace"?'),
        ("title.zh = ", "#", "there is no title.zh"),
        ("family = ", "#", 'the key "family" is missing'),
        ("[seen]", "[seen", "not a TOML file"),
        ("[[fix]]", "[[fix]]\nrewrite = \"f\"", "`rewrite` is for the project's own entries"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named(folder: Path, old: str, new: str, said: str) -> None:
    edit(folder, old, new)
    told = complaint(folder)
    assert said in told
    assert told.startswith(f"{NAME}/confusion.toml")


def test_a_missing_file_is_named_with_what_to_write(folder: Path) -> None:
    (folder / "explain.zh.md").unlink()
    assert "there is no explain.zh.md" in complaint(folder)
    (folder / "confusion.toml").unlink()
    assert "there is no confusion.toml" in complaint(folder)


@pytest.mark.parametrize("name", ["notes.txt", "x.failing.md.py", "X.failing.py", "x.wrong.py", "x.asked.fr.md"])
def test_a_case_that_is_called_wrongly_is_named_with_how_cases_are_called(folder: Path, name: str) -> None:
    (folder / "cases" / name).write_text("", encoding="utf-8")
    assert f"cases/{name}: a case is called like" in complaint(folder)


def test_a_file_that_is_not_utf_8_is_named(folder: Path) -> None:
    (folder / "explain.en.md").write_bytes(b"\xff\xfe")
    assert "cannot be read as UTF-8" in complaint(folder)


@pytest.mark.parametrize("name", ["My Entry", "9lives", "UPPER", "with-dash"])
def test_a_folder_that_is_no_name_is_refused(folder: Path, name: str) -> None:
    assert "lower case words joined by _" in complaint(folder.rename(folder.with_name(name)))
