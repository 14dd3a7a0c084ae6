"""How much of what torch says, and does not say, the entries know."""

from pathlib import Path

import pytest

from bot.coverage import Coverage, Known, Silent, coverage, said_by_cases, silent_posts
from bot.diagnose.messages import Message, read_messages
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


@pytest.mark.sandbox
def test_what_a_case_says_counts_only_when_it_is_diagnosed_as_its_entry(pipeline: Pipeline) -> None:
    said = said_by_cases(pipeline.library.get("integer_requires_grad"), pipeline)
    assert any("can require gradients" in text for text in said)


@pytest.mark.sandbox
@pytest.mark.slow
def test_the_messages_that_students_meet_are_all_covered_and_most_of_the_rest(pipeline: Pipeline) -> None:
    found = coverage(pipeline)
    missing = [one.message.text for one in found.messages if one.message.tier == 1 and not one.covered]
    assert missing == []
    covered, total = found.share(1, 2)
    assert covered / total >= 0.8
    covered, total = found.silent_share()
    assert (covered >= 25, total) == (True, 26), [one.name for one in found.silent if not one.covered]
