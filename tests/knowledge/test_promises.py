"""Every entry keeps its promises: its cases are run in the real sandbox."""

import re

import pytest

from bot.diagnose.signals import known_words
from bot.domain.confusion import ConfusionKind
from bot.domain.post import Language, Post, Question
from bot.library import read_library, shipped_folder
from bot.pipeline import Pipeline
from bot.promises import broken_promises

LIBRARY = read_library(words=known_words())
NAMES = [entry.name for entry in LIBRARY]


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_entry_keeps_its_promises(name: str, pipeline: Pipeline) -> None:
    assert list(broken_promises(pipeline.library.get(name), pipeline)) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_asked_for_in_both_languages(name: str) -> None:
    entry = LIBRARY.get(name)
    assert all(entry.asked_as.get(language) for language in Language)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_has_a_program_that_a_reply_from_words_alone_can_show(name: str) -> None:
    entry = LIBRARY.get(name)
    wanted = "failing" if entry.kind is ConfusionKind.MISTAKE else "shown"
    assert wanted in {case.role for case in entry.cases}


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", NAMES)
def test_a_reply_from_words_alone_leaves_no_gap(name: str, language: Language, pipeline: Pipeline) -> None:
    nothing_to_run = Question(post=Post(id="1", raw="?"), language=language)
    reply = pipeline.answer_as(nothing_to_run, confusion=name).reply or ""
    programs = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

    assert programs.search(reply)
    assert "…" not in programs.sub("", reply)


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", NAMES)
def test_a_reply_about_a_program_leaves_no_gap(name: str, language: Language, pipeline: Pipeline) -> None:
    programs = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
    for case in LIBRARY.get(name).cases:
        if case.role in ("failing", "shown"):
            question = Question(post=Post(id="1", raw=f"```python\n{case.text()}```\n"), language=language)
            reply = pipeline.answer_as(question, confusion=name).reply or ""
            assert reply
            assert "…" not in programs.sub("", reply), case.path.name


def test_every_folder_of_the_knowledge_base_is_an_entry_or_the_chapters_or_the_lists() -> None:
    folders = {path.name for path in shipped_folder().iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {*NAMES, "contexts", "coverage"}
