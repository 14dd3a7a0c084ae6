"""Posts with labels: one JSON object a line, and the families that names belong to."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.confusion import Confusion
from bot.domain.post import Question
from bot.errors import BadInput, KnowledgeError
from bot.forum.archive import Entry, read_lines
from bot.forum.questions import ChapterOf, no_chapter

_EXAMPLE = '{"id": "1", "title": "...", "body": "...", "labels": ["non_leaf_grad"]}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A post, and what a person says about the right answer."""

    id: str
    question: Question
    labels: frozenset[str] = frozenset()  #: every name that would be right; empty: the post wants no reply
    may_also: frozenset[str] = frozenset()  #: names that would be neither right nor wrong
    runnable: bool = False  #: the post holds, or points at, a program that can be run


@dataclass(frozen=True)
class Corpus:
    """Labelled posts in their order, and the lines that could not be read."""

    posts: tuple[Labelled, ...]
    unreadable: tuple[str, ...] = ()  #: one sentence for each such line


@dataclass(frozen=True)
class Families:
    """The family of every name, whether an entry of that name exists or not."""

    by_name: Mapping[str, str]
    silent: frozenset[str]  #: names that no reply is right for

    def of(self, name: str) -> str:
        """The family of a name; an unknown name is a family of its own."""
        return self.by_name.get(name, name)

    @property
    def names(self) -> tuple[str, ...]:
        """All families in the order of the table."""
        return tuple(dict.fromkeys(self.by_name.values()))


def read_families(file: Path, entries: Iterable[Confusion]) -> Families:
    """The table of families with the entries' own families laid over it. Raises `KnowledgeError`."""
    try:
        table: dict[str, list[str]] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KnowledgeError(f"{file.name} cannot be read: {error}") from error
    by_name = {name: family for family, names in table.items() for name in names}
    silent = frozenset(table.get("other", ()))
    return Families(by_name | {entry.name: entry.family for entry in entries}, silent)


def read_corpus(file: Path, families: Families, *, chapter_of: ChapterOf = no_chapter) -> Corpus:
    """The labelled posts of a file. A line that cannot be read is told of and left out.

    Raises `BadInput` when the file cannot be read, or holds no labelled post at all.
    """
    try:
        lines = file.read_bytes().rstrip().split(b"\n")
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}. Give a file of JSON lines like {_EXAMPLE}.") from error
    sources = {f"{file.name}, line {number}": line for number, line in enumerate(lines, start=1)}
    posts: list[Labelled] = []
    unreadable: list[str] = []
    for entry in read_lines(lines, source=file.name, chapter_of=chapter_of):
        try:
            posts.append(_labelled(entry, sources.get(entry.source, b""), families))
        except BadInput as error:
            unreadable.append(str(error))
    if not posts:
        first = f" {unreadable[0]}" if unreadable else f" Each line is like {_EXAMPLE}."
        raise BadInput(f"{file}: no labelled post is in it.{first}")
    return Corpus(tuple(posts), tuple(unreadable))


def _labelled(entry: Entry, line: bytes, families: Families) -> Labelled:
    """The post of one line. Raises `BadInput`."""
    if entry.error is not None:
        raise entry.error
    record = _record(line, entry.source)
    assert entry.question is not None
    return Labelled(
        id=entry.id or entry.source,
        question=entry.question,
        labels=_names(record, "labels", entry.source, families),
        may_also=_names(record, "may_also", entry.source, families),
        runnable=record.get("runnable") is True,
    )


def _record(line: bytes, source: str) -> Mapping[str, Any]:
    record = json.loads(line.decode("utf-8-sig")) if line else None  # a line may hold a whole topic, without labels
    if not isinstance(record, Mapping) or "labels" not in record:
        raise BadInput(f'{source}: "labels" is missing, the names that would be right, as in {_EXAMPLE}.')
    return record


def _names(record: Mapping[str, Any], key: str, source: str, families: Families) -> frozenset[str]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadInput(f'{source}: "{key}" must be a list of names, as in {_EXAMPLE}.')
    for name in value:
        if name not in families.by_name:
            near = difflib.get_close_matches(name, families.by_name, n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            raise BadInput(f'{source}: "{key}" names an unknown confusion, "{name}".{meant}')
    return frozenset(value)
