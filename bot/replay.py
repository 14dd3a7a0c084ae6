"""The main job over an archive: every post is answered as of its own moment, once, into the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import review
from bot.domain.answer import Answer, answer_record
from bot.domain.post import Question
from bot.forum.archive import Entry
from bot.store import answers
from bot.store.engine import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """One post of the archive, and what was made of it."""

    entry: Entry
    record: dict[str, Any]  #: the answer's JSON object and `post_number`; or `id` and `error`
    answer: Answer | None = None  #: None when it was answered before, or could not be read
    draft_id: int | None = None

    @property
    def new(self) -> bool:
        """Whether something was done for it just now."""
        return self.answer is not None

    @property
    def unreadable(self) -> bool:
        """Whether the archive holds something here that is no post."""
        return self.entry.error is not None


def replay(
    entries: Iterable[Entry],
    store: Store,
    answer: Callable[[Question], Answer],
    *,
    now: Callable[[], datetime],
    again: bool = False,
) -> Iterator[Replayed]:
    """Answer the posts in order; each is saved before the next is begun, so an interruption loses nothing.

    A post whose text was answered before is not answered again unless `again` is set.
    """
    for entry in entries:
        question = entry.question
        if question is None:
            yield Replayed(entry=entry, record={"id": entry.id, "error": str(entry.error)})
            continue
        known = None if again else _known(store, question)
        if known is not None:
            yield Replayed(entry=entry, record=_numbered(known, question))
            continue
        made = answer(question)
        with store.writing() as connection:
            draft_id = review.save_answer(connection, question, made, now())
        yield Replayed(entry=entry, record=_numbered(answer_record(made), question), answer=made, draft_id=draft_id)


def _known(store: Store, question: Question) -> dict[str, Any] | None:
    """What was answered to exactly this text before, as it was printed then."""
    with store.reading() as connection:
        kept = answers.latest(connection, question.post.id, sha256=question.post.sha256)
    return kept and {key: value for key, value in kept.items() if key != "evidence"}


def _numbered(record: dict[str, Any], question: Question) -> dict[str, Any]:
    return {**record, "post_number": question.post.number}
