"""Each promise of an entry, broken: it is named, and with it the case."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.diagnose.signals import known_words
from bot.domain.confusion import Case, Confusion
from bot.library import read_entry, shipped_folder
from bot.pipeline import Pipeline
from bot.promises import broken_promises

pytestmark = pytest.mark.sandbox

NAME = "non_scalar_backward"
BEGIN = "import torch\n\nx = torch.tensor([1.0, 2.0], requires_grad=True)\ny = x * x\n"
FAILING = BEGIN + "y.backward()\nprint(x.grad)\n"
FIXED = BEGIN + "y.sum().backward()\nprint(x.grad)\n"
#: An entry must have one of these, so they stand beside the case that is looked at.
GOOD = {"good.failing.py": FAILING, "good.fixed.py": FIXED}

Broken = Callable[..., list[str]]


@pytest.fixture
def entry_with(tmp_path: Path) -> Callable[..., Confusion]:
    """The entry about vectors, with these cases instead of its own, and a change to one of its files."""

    def make(cases: dict[str, str], *, file: str = "confusion.toml", old: str = "", new: str = "") -> Confusion:
        folder = tmp_path / NAME
        shutil.copytree(shipped_folder() / NAME, folder, ignore=shutil.ignore_patterns("cases"))
        (folder / "cases").mkdir()
        for name, text in cases.items():
            (folder / "cases" / name).write_text(text, encoding="utf-8")
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return read_entry(folder, own=False, words=known_words())

    return make


@pytest.fixture
def broken(entry_with: Callable[..., Confusion], pipeline: Pipeline) -> Broken:
    """What is said of the entry with these cases and this change."""

    def say(cases: dict[str, str], **change: str) -> list[str]:
        return list(broken_promises(entry_with(cases, **change), pipeline))

    return say


def test_an_entry_that_keeps_them_all(broken: Broken) -> None:
    asked = "Why does it fail when I call backward on a vector?\n"

    assert broken({**GOOD, "it.clean.py": FIXED, "it.asked.en.md": asked, "it.not_asked.en.md": "Thank you!\n"}) == []


@pytest.mark.parametrize(
    ("cases", "change", "said"),
    [
        ({}, {}, "a mistake needs at least one case NAME.failing.py"),
        (
            GOOD,
            {"old": 'kind = "mistake"', "new": 'kind = "question"'},
            "a question needs at least one case NAME.asked.en.md or .zh.md",
        ),
        (
            GOOD,
            {"file": "explain.en.md", "old": "several numbers", "new": "{several} numbers"},
            "explain.en.md uses {several}, which [facts] does not declare",
        ),
        (
            GOOD,
            {"file": "explain.zh.md", "old": "{shape}", "new": "n"},
            "explain.en.md and explain.zh.md do not use the same facts",
        ),
        (
            GOOD,
            {"old": 'with = "$LOSS.sum().backward($...ARGS)"', "new": 'with = "$OTHER.backward()"'},
            "[[fix]] sum: no word binds $OTHER",
        ),
    ],
)
def test_what_an_entry_lacks_is_named(broken: Broken, cases: dict[str, str], change: dict[str, str], said: str) -> None:
    assert said in broken(cases, **change)


def test_a_case_that_shows_another_mistake_as_well_is_named(tmp_path: Path, pipeline: Pipeline) -> None:
    both = tmp_path / "it.failing.py"
    both.write_text(BEGIN + "y.sum().backward(retain_graph=True)\nprint(y.grad)\ny.backward()\n", encoding="utf-8")
    entry = pipeline.library.get("non_scalar_backward")

    said = list(broken_promises(replace(entry, cases=(Case(name="it", role="failing", path=both),)), pipeline))

    assert "it.failing.py: also shows intermediate_grad" in said


def test_a_message_of_our_own_entries_must_stand_in_the_list_of_messages(
    entry_with: Callable[..., Confusion], pipeline: Pipeline
) -> None:
    entry = entry_with(GOOD, old="grad can be implicitly created", new="grads may be created at will")

    said = list(broken_promises(replace(entry, own=True), pipeline))

    assert said == [
        "[seen] lists 'grads may be created at will only for scalar outputs',"
        " which is not in knowledge/coverage/messages.toml"
    ]
    assert list(broken_promises(entry, pipeline)) == []  # an admin may know other messages


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ({"it.failing.py": "import torch\n1 / 0\n"}, "it.failing.py: diagnosed as nothing"),
        ({"it.failing.py": FIXED}, "it.failing.py: diagnosed as nothing"),
        (
            {"it.failing.py": BEGIN + "y.sum().backward()\nprint(y.grad)\n"},
            "it.failing.py: diagnosed as intermediate_grad",
        ),
        ({"it.failing.py": FAILING}, "an entry with a [[fix]] needs at least one case NAME.fixed.py"),
        ({"it.failing.py": FAILING}, "it.failing.py: there is no it.fixed.py"),
        (
            {"it.failing.py": FAILING, "it.fixed.py": FIXED.replace("sum", "mean")},
            "it.failing.py: the repair is not it.fixed.py:\n@@",
        ),
        (
            {"it.failing.py": BEGIN + "torch.autograd.grad(*(y, x))\n", "it.fixed.py": FIXED},
            "it.failing.py: no repair was found",
        ),
        (
            {"it.failing.py": FAILING + "1 / 0\n", "it.fixed.py": FIXED + "1 / 0\n"},
            "it.failing.py: the proof does not hold: error_gone: ",
        ),
        (
            {
                "it.failing.py": BEGIN + "z = y.detach().requires_grad_()\nz.backward()\nprint(x.grad)\n",
                "it.fixed.py": BEGIN + "z = y.detach().requires_grad_()\nz.sum().backward()\nprint(x.grad)\n",
            },
            "it.failing.py: the proof does not hold: gradient: ",
        ),
        ({"it.clean.py": "1 / 0\n"}, "it.clean.py: does not run to its end"),
        ({"it.clean.py": FAILING}, "it.clean.py: does not run to its end"),
        (
            {"it.clean.py": BEGIN + "y.sum().backward()\nprint(y.grad)\n"},
            "it.clean.py: diagnosed as intermediate_grad, although nothing is wrong",
        ),
        ({"it.fixed.py": "1 / 0\n"}, "it.fixed.py: does not run to its end"),
        ({"it.shown.py": "1 / 0\n"}, "it.shown.py: does not run to its end"),
        ({"it.shown.py": FIXED}, "it.shown.py: its run does not show what [seen] asks for"),
        ({"it.asked.en.md": "Thank you!\n"}, "it.asked.en.md: answered with nothing (thanks)"),
        (
            {"it.not_asked.en.md": f"Why does this fail?\n\n```python\n{FAILING}```\n"},
            "it.not_asked.en.md: must not be answered with this entry",
        ),
    ],
)
def test_a_case_that_does_not_do_what_its_name_says_is_named(broken: Broken, cases: dict[str, str], said: str) -> None:
    beside = GOOD if "it.failing.py" not in cases else {}

    found = list(broken({**beside, **cases}))

    assert [line for line in found if line.startswith(said)], found
