"""What share of torch's autograd messages, and of the confusions without one, the entries know: told by running.

A message counts as known when at least one of these was seen to happen:
- *shown*: a case of an entry raised or warned it in the sandbox, and the run was diagnosed as that entry;
- *recognised*: a post that only quotes it was answered, by the whole pipeline, with an entry that lists its wording;
  here also with one that by itself answers only what a run shows (`answer.rare_messages`).
It counts as answered by default when it is shown, or a quotation of it is answered without that setting; *quoted by
default* is the second alone. To know a message is more than to answer it, so the two are never given as one figure.
A silent confusion counts as known when its post is answered with the entry that its file names.
The lists lie in `knowledge/coverage/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.diagnose import wording
from bot.diagnose.match import wordings_of
from bot.diagnose.messages import Message, read_messages
from bot.domain.confusion import Confusion
from bot.domain.post import Language, Post, Question
from bot.domain.snippet import Reading
from bot.library import shipped_folder
from bot.pipeline import Pipeline


@dataclass(frozen=True, kw_only=True)
class Known:
    """One message, and how the entries know it."""

    message: Message
    shown_by: tuple[str, ...] = ()  #: entries with a case that triggers it
    recognised_as: str | None = None  #: the entry that a post which only quotes it is answered with
    rare: bool = False  #: that answer is given only where `answer.rare_messages` is set

    @property
    def covered(self) -> bool:
        """Whether one of the two was seen."""
        return bool(self.shown_by) or self.recognised_as is not None

    @property
    def quoted_by_default(self) -> bool:
        """Whether a post that only quotes it is answered where `answer.rare_messages` is off."""
        return self.recognised_as is not None and not self.rare


@dataclass(frozen=True, kw_only=True)
class Silent:
    """One confusion without a message, and what its post was answered with."""

    name: str
    entry: str
    answered: str

    @property
    def covered(self) -> bool:
        """Whether the answer is the entry that it should be."""
        return self.answered == self.entry


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """All that was tried."""

    messages: tuple[Known, ...]
    silent: tuple[Silent, ...]

    def share(self, *tiers: int) -> tuple[int, int]:
        """How many messages of these tiers are covered, and how many there are."""
        chosen = self._of(tiers)
        return sum(known.covered for known in chosen), len(chosen)

    def quoted_share(self, *tiers: int) -> tuple[int, int]:
        """Of how many messages of these tiers the mere quotation is answered by default, and how many there are."""
        chosen = self._of(tiers)
        return sum(known.quoted_by_default for known in chosen), len(chosen)

    def shown_share(self, *tiers: int) -> tuple[int, int]:
        """How many messages of these tiers a case shows in a run that is answered, and how many there are."""
        chosen = self._of(tiers)
        return sum(bool(known.shown_by) for known in chosen), len(chosen)

    def answered_share(self, *tiers: int) -> tuple[int, int]:
        """How many messages of these tiers one of the two is true of: what is answered by default."""
        chosen = self._of(tiers)
        return sum(bool(known.shown_by) or known.quoted_by_default for known in chosen), len(chosen)

    def _of(self, tiers: tuple[int, ...]) -> list[Known]:
        return [known for known in self.messages if known.message.tier in tiers]

    def silent_share(self) -> tuple[int, int]:
        """How many silent confusions are covered, and how many there are."""
        return sum(one.covered for one in self.silent), len(self.silent)


def silent_posts(folder: Path | None = None) -> tuple[Path, ...]:
    """The posts about confusions without a message: `NAME.ENTRY.md`."""
    return tuple(sorted((folder or shipped_folder() / "coverage" / "silent").glob("*.*.md")))


def coverage(pipeline: Pipeline) -> Coverage:
    """Try everything. Takes a run in the sandbox for each case and each silent post."""
    messages = read_messages()
    telling = with_rare(pipeline)
    said = dict(_said_by_cases(pipeline))
    return Coverage(
        messages=tuple(known_message(message, said, telling) for message in messages.current),
        silent=tuple(_silent(path, pipeline) for path in silent_posts()),
    )


def said_by_cases(entry: Confusion, pipeline: Pipeline) -> tuple[str, ...]:
    """The messages and warnings of an entry's failing cases that are diagnosed as the entry."""
    said: list[str] = []
    for case in entry.cases:
        if case.role != "failing":
            continue
        code = case.text()
        run = pipeline.run(code)
        found = pipeline.matcher.by_run(code, run, Reading(language=Language.ENGLISH))
        if found is not None and found.confusion == entry.name:
            said += [run.error.message] if run.error is not None else []
            said += [warning.message for warning in run.warnings]
    return tuple(said)


def _said_by_cases(pipeline: Pipeline) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in pipeline.library:
        yield entry.name, said_by_cases(entry, pipeline)


def with_rare(pipeline: Pipeline) -> Pipeline:
    """The pipeline with the setting `answer.rare_messages` on."""
    answer = pipeline.settings.answer.model_copy(update={"rare_messages": True})
    return replace(pipeline, settings=pipeline.settings.model_copy(update={"answer": answer}))


def known_message(message: Message, said: Mapping[str, tuple[str, ...]], pipeline: Pipeline) -> Known:
    """How a message is known: `said` by which entries' cases, and what `pipeline` answers to its quotation."""
    recognised_as = _recognised(message, pipeline)
    return Known(
        message=message,
        shown_by=tuple(name for name, texts in said.items() if _among(message.text, texts)),
        recognised_as=recognised_as,
        rare=recognised_as is not None and pipeline.library.get(recognised_as).run_only,
    )


def _among(text: str, said: Iterable[str]) -> bool:
    return any(wording.same_message(text, one) for one in said)


def _recognised(message: Message, pipeline: Pipeline) -> str | None:
    """The entry that a post which only quotes the message is answered with, if that entry lists the wording."""
    raw = (
        f"My program for training a network says this, and I do not understand why:\n\n{message.kind}: {message.text}\n"
    )
    answer = pipeline.answer(Question(post=Post(id="quoted", raw=raw), language=Language.ENGLISH))
    if not answer.is_draft or answer.diagnosis is None or answer.diagnosis.ran:
        return None
    entry = pipeline.library.get(answer.diagnosis.confusion)
    return entry.name if wording.says(message.text, wordings_of(entry)) else None


def _silent(path: Path, pipeline: Pipeline) -> Silent:
    name, entry, _ = path.name.split(".")
    question = Question(post=Post(id=name, raw=path.read_text(encoding="utf-8")), language=Language.ENGLISH)
    answer = pipeline.answer(question)
    answered = answer.diagnosis.confusion if answer.is_draft and answer.diagnosis is not None else "nothing"
    return Silent(name=name, entry=entry, answered=answered)
