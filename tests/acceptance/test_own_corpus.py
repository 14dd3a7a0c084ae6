"""The project's own corpus through the whole pipeline, in the real sandbox, against its floors."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from bot.context import read_contexts
from bot.domain.answer import Answer
from bot.evaluate.answering import evaluate
from bot.evaluate.corpus import Corpus, Families, read_corpus, read_families
from bot.evaluate.figures import report
from bot.library import Library, read_library, shipped_contexts, shipped_folder
from bot.pipeline import pipeline
from bot.sandbox.open import open_sandbox
from bot.settings import Settings

POSTS = Path(__file__).parents[1] / "corpus" / "posts.jsonl"


@pytest.fixture(scope="module")
def library() -> Library:
    return read_library()


@pytest.fixture(scope="module")
def families(library: Library) -> Families:
    return read_families(shipped_folder() / "families.toml", library)


@pytest.fixture(scope="module")
def corpus(families: Families) -> Corpus:
    contexts = read_contexts(shipped_contexts())
    return read_corpus(POSTS, families, chapter_of=lambda topic: contexts.chapter_of(topic.title))


@pytest.fixture(scope="module")
def answers(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    settings = Settings()
    with open_sandbox(settings.sandbox, data=tmp_path_factory.mktemp("data")) as sandbox:
        ready = pipeline(settings, sandbox, clock=time.perf_counter)
        return {post.question.post.id: ready.answer(post.question) for post in corpus.posts}


@pytest.fixture(scope="module")
def record(corpus: Corpus, library: Library, families: Families, answers: dict[str, Answer]) -> dict[str, Any]:
    marks = list(evaluate(corpus.posts, lambda question: answers[question.post.id], families))
    return report(marks, families, corpus=POSTS.name, entries=frozenset(entry.name for entry in library))


def test_the_corpus_is_large_and_half_of_it_wants_no_reply(corpus: Corpus) -> None:
    silent = sum(not post.labels for post in corpus.posts)

    assert corpus.unreadable == ()
    assert len({post.id for post in corpus.posts}) == len(corpus.posts) >= 250
    assert 0.45 <= silent / len(corpus.posts) <= 0.6


def test_nearly_every_entry_is_asked_about_in_both_languages(corpus: Corpus, library: Library) -> None:
    """Not every one: adding an entry touches its own folder alone."""
    asked = {
        (label, post.question.language.value)
        for post in corpus.posts
        for label in post.labels
        if post.question.language is not None
    }
    wanted = {(entry.name, language) for entry in library for language in ("en", "zh")}

    assert len(wanted & asked) >= 0.9 * len(wanted), sorted(wanted - asked)


def test_no_post_of_the_corpus_is_an_example_of_an_entry(corpus: Corpus, library: Library) -> None:
    """Measuring what the entries were written with would measure nothing."""
    examples = {" ".join(case.text().split()) for entry in library for case in entry.cases}
    phrases = {phrase.lower() for entry in library for group in entry.asked_as.values() for phrase in group}

    for post in corpus.posts:
        assert " ".join(post.question.post.raw.split()) not in examples
        assert post.question.post.raw.strip().lower() not in phrases


@pytest.mark.sandbox
@pytest.mark.slow
def test_the_floors_are_kept(record: dict[str, Any]) -> None:
    figures = record["tables"]["all"]

    assert record["without_entry"] == 0
    assert figures["family_precision"] >= 0.97, record["worst"]
    assert figures["family_recall"] >= 0.90, record["worst"]
    assert figures["false_alarms"] <= 0.01, record["worst"]


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize("table", ["ran", "text_only"])
def test_neither_table_lives_off_the_other(record: dict[str, Any], table: str) -> None:
    figures = record["tables"][table]

    assert figures["family_precision"] >= 0.95, record["worst"]
    assert figures["family_recall"] >= 0.85, record["worst"]


@pytest.mark.sandbox
@pytest.mark.slow
def test_no_sentence_of_a_reply_leaves_a_fact_open_or_says_where_in_memory_a_thing_lies(
    answers: dict[str, Answer],
) -> None:
    replies = {id: re.sub(r"^```.*?^```", "", answer.reply or "", flags=re.S | re.M) for id, answer in answers.items()}

    assert [id for id, sentences in replies.items() if "…" in sentences] == []
    assert [id for id, answer in answers.items() if " object at 0x" in (answer.reply or "")] == []


@pytest.mark.sandbox
@pytest.mark.slow
def test_what_can_be_run_is_run_and_its_repairs_are_proved(record: dict[str, Any]) -> None:
    assert record["runnable"]["share"] >= 0.95
    assert record["repairs"]["share_of_repairs_proved"] >= 0.85
