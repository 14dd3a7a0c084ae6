"""How much of what torch says, and does not say, the entries know."""

from pathlib import Path

import pytest

from bot.cli.context import Context
from bot.cli.knowledge import show_coverage
from bot.coverage import Coverage, Known, Silent, coverage, known_message, said_by_cases, silent_posts, with_rare
from bot.diagnose.match import wordings_of
from bot.diagnose.messages import Message, read_messages
from bot.domain.post import Language, Post, Question
from bot.errors import KnowledgeError
from bot.pipeline import Pipeline


def message(tier: int, text: str = "element 0 of tensors does not require grad") -> Message:
    return Message(subject="no_graph", tier=tier, kind="RuntimeError", text=text)


def test_the_list_holds_the_messages_of_each_tier_once_read() -> None:
    found = read_messages()
    assert [sum(one.tier == tier for one in found.current) for tier in (1, 2, 3)] == [81, 188, 131]
    assert all(one.kind and one.text for one in found.current)


def test_a_wording_of_an_old_release_is_known_and_an_invented_one_is_not() -> None:
    found = read_messages()
    assert found.knows("element 0 of variables does not require grad")
    assert not found.knows("element 0 of tensors is shy")


def test_a_broken_list_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "messages.toml"
    path.write_text('torch = "2"\n', encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"messages\.toml"):
        read_messages(path)


def test_there_are_26_silent_confusions_and_each_shows_code() -> None:
    posts = silent_posts()
    assert len(posts) == 26
    assert all("```python" in path.read_text(encoding="utf-8") for path in posts)


def test_a_message_is_covered_when_a_case_shows_it_or_a_quotation_is_recognised() -> None:
    found = Coverage(
        messages=(
            Known(message=message(1), shown_by=("no_requires_grad",)),
            Known(message=message(1), recognised_as="no_requires_grad"),
            Known(message=message(1)),
            Known(message=message(2)),
        ),
        silent=(Silent(name="one", entry="a", answered="a"), Silent(name="two", entry="a", answered="nothing")),
    )
    assert found.share(1) == (2, 3)
    assert found.share(1, 2) == (2, 4)
    assert found.silent_share() == (1, 2)


def test_what_is_known_and_what_is_answered_by_default_are_counted_apart() -> None:
    found = Coverage(
        messages=(
            Known(message=message(1), shown_by=("no_requires_grad",)),
            Known(message=message(1), shown_by=("no_requires_grad",), recognised_as="no_requires_grad", rare=True),
            Known(message=message(1), recognised_as="no_requires_grad"),
            Known(message=message(2), recognised_as="no_requires_grad", rare=True),
            Known(message=message(2)),
        ),
        silent=(),
    )

    assert (found.share(1, 2), found.answered_share(1, 2)) == ((4, 5), (3, 5))
    assert (found.quoted_share(1, 2), found.shown_share(1, 2)) == ((1, 5), (2, 5))


@pytest.mark.sandbox
def test_the_quotation_of_a_rare_message_is_silent_by_default_as_it_is_counted(pipeline: Pipeline) -> None:
    rare = next(
        text
        for entry in pipeline.library
        if entry.run_only
        for text in wordings_of(entry)
        if any(one.text == text for one in read_messages().current)
    )
    known = known_message(next(one for one in read_messages().current if one.text == rare), {}, with_rare(pipeline))
    raw = f"My program for training a network says this, and I do not understand why:\n\n{known.message.kind}: {rare}\n"

    answer = pipeline.answer(Question(post=Post(id="quoted", raw=raw), language=Language.ENGLISH))

    assert (known.rare, known.covered, known.quoted_by_default) == (True, True, False)
    assert (answer.is_draft, "which is answered where a run shows it" in answer.reason) == (False, True)


@pytest.mark.sandbox
def test_what_a_case_says_counts_only_when_it_is_diagnosed_as_its_entry(pipeline: Pipeline) -> None:
    said = said_by_cases(pipeline.library.get("integer_requires_grad"), pipeline)
    assert any("can require gradients" in text for text in said)


def test_what_is_missing_is_told_in_whole_sentences(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    long = "Given that this use case is ambiguous and error-prone, it is forbidden. " * 4
    found = Coverage(
        messages=(
            Known(message=message(1), recognised_as="no_requires_grad"),
            Known(message=message(2, long.strip()), recognised_as="no_requires_grad", rare=True),
            Known(message=message(2, long.strip())),
        ),
        silent=(Silent(name="one", entry="a", answered="nothing"),),
    )

    show_coverage(Context(tmp_path), found, missing=True)

    said = capsys.readouterr().out.splitlines()
    assert [line.split() for line in said[:3]] == [
        "what of known answered by default when only quoted when a run shows it".split(),
        "tier 1 1 1 (100.0 %) 1 (100.0 %) 1 (100.0 %) 0 (0.0 %)".split(),
        "tier 1+2 3 2 (66.7 %) 1 (33.3 %) 1 (33.3 %) 0 (0.0 %)".split(),
    ]
    assert said[5].startswith("1 of the known messages are shown by no case: a post that only quotes")
    assert said[6:] == [f"  tier 2 no_graph: {long.strip()}", "  silent one: nothing, not a"]


@pytest.mark.sandbox
@pytest.mark.slow
def test_the_messages_that_students_meet_are_all_covered_and_most_of_the_rest(pipeline: Pipeline) -> None:
    found = coverage(pipeline)
    missing = [one.message.text for one in found.messages if one.message.tier == 1 and not one.covered]
    assert missing == []
    covered, total = found.share(1, 2)
    assert covered / total >= 0.8
    answered, total = found.answered_share(1, 2)
    assert answered < covered
    assert answered / total >= 0.45
    covered, total = found.silent_share()
    assert (covered >= 25, total) == (True, 26), [one.name for one in found.silent if not one.covered]
