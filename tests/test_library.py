"""Entries are read from their folders, and a mistake in one is named with its file, key and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.diagnose.signals import known_words
from bot.domain.post import Language
from bot.errors import KnowledgeError, NotFound
from bot.library import read_entry, read_library, shipped_folder
from bot.pipeline import entries, require_usable

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
        ("kind = \"mistake\"", "kind = \"mistke\"", 'the key "kind" cannot be "mistke". Did you mean "mistake"?'),
        ("where = \"error_line\"", "where = \"eror_line\"",
         ', [[fix]] sum: the key "where" cannot be "eror_line". Did you mean "error_line"?\n  it is one of: error_line, cause_line, '),
        ("replace = ", "replce = ", ', [[fix]] sum: unknown key "replce". Did you mean "replace"?'),
        ("[[fix]]", "[fix]", "A fix begins with [[fix]], in two brackets"),
        ("title.zh = ", "title.fr = ", 'unknown key "title.fr".\n  it is one of: en, zh'),
        ("family = ", "family = 3 #", 'the key "family" cannot be 3: it takes a text in quotes: family = "…"'),
        ("family = ", "beside = \"x\"\nfamily = ", 'the key "beside" cannot be \'x\': it takes a list: beside = ["x"]'),
        ("raises = ", "raises = RuntimeError #",
         'in [seen]\n  raises = RuntimeError #"RuntimeError"\n  A text stands in quotes: raises = "RuntimeError"'),
        ("link = ", "link = \"javascript:alert(1)\" #", 'the key "link" cannot be "javascript:alert(1)"'),
        ("link = ", "link = \"https://a.example/) [x](b\" #", 'the key "link" cannot be'),
        ("[seen]", "[seen]\nnot = 3", "not takes a table"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named(folder: Path, old: str, new: str, said: str) -> None:
    edit(folder, old, new)
    told = complaint(folder)
    assert said in told
    assert told.startswith(f"{NAME}/confusion.toml")


def test_one_bracket_is_named_as_well_where_it_is_the_only_fix(folder: Path) -> None:
    path = folder / "confusion.toml"
    head, first, *_ = path.read_text(encoding="utf-8").split("[[fix]]")
    path.write_text(f"{head}[fix]{first}", encoding="utf-8")

    assert (
        complaint(folder)
        == f"{NAME}/confusion.toml, [fix]\n  A fix begins with [[fix]], in two brackets: there may be several."
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "tensor = { leef = true }",
            'tensor: unknown key "leef". Did you mean "leaf"?\n  known keys of tensor: leaf, ',
        ),
        ('tensor = { grad = "non" }', 'tensor: grad cannot be "non". Did you mean "none"? It takes "none" or "set"'),
        ("tensor = { leaf = 1 }", "tensor: leaf cannot be 1. It takes true or false"),
        ("tensor = true", "tensor cannot be True: it takes a table, tensor = { leaf = … }"),
        ('not = { root = { dtyp = "complex" } }', 'root: unknown key "dtyp". Did you mean "dtype"?'),
        ("any = [{ module_called = { class = 3 } }]", "module_called: class cannot be 3. It takes a text in quotes"),
    ],
)
def test_a_table_of_a_word_that_would_never_hold_is_named(folder: Path, line: str, said: str) -> None:
    edit(folder, "[seen]\n", f"[seen]\n{line}\n")
    with pytest.raises(KnowledgeError) as caught:
        require_usable(read_entry(folder, own=False, words=known_words()))
    assert str(caught.value).startswith(f"{NAME}/confusion.toml, [seen]\n  {said}")


def test_an_admins_entry_that_is_not_well_formed_is_left_out_and_the_projects_answers(folder: Path) -> None:
    (folder / "explain.zh.md").unlink()
    shutil.copytree(shipped_folder() / NAME, folder.with_name("mine"))

    library = entries(folder.parent)

    assert [(one.name, one.folder) for one in library.left_out] == [(NAME, folder)]
    assert "there is no explain.zh.md" in library.left_out[0].why
    assert (library.get(NAME).own, library.get("mine").own) == (True, False)
    with pytest.raises(KnowledgeError, match=r"there is no explain\.zh\.md"):
        library.well_formed(NAME)
    assert [one.name for one in library.without_retired(["mine"]).left_out] == [NAME]


def test_a_case_of_an_admins_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "cases" / "bad.failing.py").write_bytes(b"\xff\xfe")
    assert "cases/bad.failing.py: cannot be read as UTF-8" in complaint(folder)


def test_a_broken_entry_of_the_project_itself_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(shipped_folder() / NAME, tmp_path / NAME)
    (tmp_path / NAME / "explain.zh.md").unlink()
    monkeypatch.setattr("bot.library.shipped_folder", lambda: tmp_path)

    with pytest.raises(KnowledgeError, match=r"there is no explain\.zh\.md"):
        read_library()


def test_an_admins_entry_knows_the_projects_that_it_lies_over(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("mine"))
    library = read_library(folder.parent)

    under = library.covered_by(library.get(NAME))

    assert under is not None
    assert (under.name, under.own) == (NAME, True)
    assert library.covered_by(library.get("mine")) is None
    assert library.covered_by(library.get("non_leaf_grad")) is None


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
