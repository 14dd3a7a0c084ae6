"""The sample forum through the whole pipeline, in the real sandbox: each post as of its own moment."""

import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.answer import Answer
from bot.domain.post import Question
from bot.forum.archive import read_archive
from bot.forum.questions import ChapterOf, no_chapter
from bot.library import read_library
from bot.pipeline import Pipeline, pipeline
from bot.samples import sample_forum
from bot.sandbox.open import open_sandbox
from bot.settings import Settings

ROWS: dict[str, dict[str, Any]] = tomllib.loads(
    (Path(__file__).parents[1] / "samples" / "expected.toml").read_text(encoding="utf-8")
)
DRAFTED = sorted(row for row, wanted in ROWS.items() if wanted["answer"] != "skip")
SILENT = sorted(ROWS.keys() - set(DRAFTED))


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    settings = Settings()
    with open_sandbox(settings.sandbox, data=tmp_path_factory.mktemp("data")) as sandbox:
        yield pipeline(settings, sandbox, clock=time.monotonic)


@pytest.fixture(scope="module")
def posts(bot: Pipeline) -> dict[str, Question]:
    """The questions of the sample forum, by topic and number, each with the chapter its topic is about."""
    return questions(chapter_of=lambda topic: bot.contexts.chapter_of(topic.title))


def questions(chapter_of: ChapterOf = no_chapter) -> dict[str, Question]:
    entries = read_archive(sample_forum(), chapter_of=chapter_of)
    asked = [entry.question for entry in entries if entry.question is not None]
    return {f"{question.post.topic_id}/{question.post.number}": question for question in asked}


def test_every_post_of_the_sample_forum_has_a_row() -> None:
    assert questions().keys() == ROWS.keys()


def test_what_is_asked_about_is_known_and_asked_in_both_languages() -> None:
    asked = {(row["answer"], row["language"]) for row in ROWS.values()}
    names = {answer for answer, _ in asked} - {"skip"}

    assert names <= {entry.name for entry in read_library()}
    assert {(name, language) for name in names for language in ("en", "zh")} <= asked


@pytest.mark.sandbox
@pytest.mark.parametrize("row", DRAFTED)
def test_a_question_gets_the_draft_it_should(row: str, posts: dict[str, Question], bot: Pipeline) -> None:
    wanted = ROWS[row]

    answer = bot.answer(posts[row])

    assert told(answer) == (wanted["answer"], wanted["language"]), answer.reason
    assert answer.reply is not None
    assert [text for text in wanted["shows"] if text not in answer.reply] == [], answer.reply
    assert answer.diagnosis is not None
    assert answer.diagnosis.same_error == wanted.get("same_error")


@pytest.mark.sandbox
@pytest.mark.parametrize("row", DRAFTED)
def test_what_is_mended_is_proved_down_to_its_gradients(row: str, posts: dict[str, Question], bot: Pipeline) -> None:
    answer = bot.answer(posts[row])

    if answer.repair is not None:
        assert answer.proof is not None
        assert answer.proof.proves(answer.repair.code)
        assert answer.proof.gradient.yes, answer.proof.gradient.why


@pytest.mark.sandbox
@pytest.mark.parametrize("row", SILENT)
def test_a_post_that_wants_no_reply_gets_none(row: str, posts: dict[str, Question], bot: Pipeline) -> None:
    answer = bot.answer(posts[row])

    assert told(answer) == ("skip", ROWS[row]["language"]), answer.reason
    assert answer.reply is None


def told(answer: Answer) -> tuple[str, str]:
    """What was answered about, and in which language."""
    about = answer.diagnosis.confusion if answer.is_draft and answer.diagnosis is not None else "skip"
    return about, answer.language.value
