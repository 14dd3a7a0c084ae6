"""The project's list of what torch says about autograd: `knowledge/coverage/messages.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bot.diagnose import wording
from bot.errors import KnowledgeError
from bot.library import shipped_folder


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of torch."""

    subject: str  #: "no_graph"
    tier: int  #: 1: a student will meet it, 2: in projects, 3: in expert interfaces
    kind: str  #: "RuntimeError", "UserWarning"
    text: str


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The project's list."""

    torch: str
    current: tuple[Message, ...]
    older: tuple[str, ...]  #: wordings of other releases
    around: tuple[str, ...]  #: what Python says where autograd is the cause
    drifted: tuple[tuple[str, ...], ...] = ()  #: what one message has said in one release and another

    def knows(self, wanted: str) -> bool:
        """Whether a wording that an entry lists stands in the list."""
        return any(wording.says(text, [wanted]) for text in self.texts())

    def texts(self) -> Iterator[str]:
        """All texts, whatever their release."""
        yield from (message.text for message in self.current)
        yield from self.older
        yield from self.around


def read_messages(path: Path | None = None) -> Messages:
    """The list of messages. Raises `KnowledgeError` when the file is not as it should be."""
    path = path or shipped_folder() / "coverage" / "messages.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        current = [
            _message(subject["name"], tier, line)
            for subject in raw["subject"]
            for tier in (1, 2, 3)
            for line in subject.get(f"tier{tier}", ())
        ]
        around = tuple(line.partition(": ")[2] for line in raw["around"])
        return Messages(
            torch=raw["torch"],
            current=tuple(current),
            older=tuple(raw["older"]),
            around=around,
            drifted=tuple(tuple(wordings) for wordings in raw["drifted"]),
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise KnowledgeError(f"{path}: cannot be read as the list of messages: {error!r}") from error


@lru_cache(maxsize=1)
def drifted() -> tuple[tuple[str, ...], ...]:
    """The wordings of the messages that were worded otherwise in other releases."""
    return read_messages().drifted


def same_over_releases(reported: str, observed: str) -> bool:
    """Whether a quoted message and an observed one are the same, in the wording of one release or another."""
    return wording.same_message(reported, observed) or any(
        wording.says(reported, wordings) and wording.says(observed, wordings) for wordings in drifted()
    )


def _message(subject: str, tier: int, line: str) -> Message:
    kind, _, text = line.partition(": ")
    return Message(subject=subject, tier=tier, kind=kind, text=text)
