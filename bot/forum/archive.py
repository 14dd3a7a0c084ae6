"""Stored topics and posts: files read into questions.

A file may hold a topic as Discourse serves it with `include_raw=1`, one post `{"id", "title", "body"}`, a
list of either, or (`.jsonl`) one of either on each line. A folder is read whole, in the order of its names.
What cannot be read becomes an `Entry` with an error; it never stops the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.domain.post import Language, Question, Topic
from bot.errors import BadInput
from bot.forum import wire
from bot.forum.questions import ChapterOf, no_chapter, question, questions

_LINES = (".jsonl", ".ndjson")
_FILES = (".json", *_LINES)
_EXAMPLE = '{"id": "7", "title": "...", "body": "..."}'
#: What the values of a single post may be, and how that is told.
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "id": ((str, int), "text or a whole number"),
    "title": ((str,), "text"),
    "body": ((str,), "text"),
    "raw": ((str,), "text"),
    "lang": ((str,), "text"),
    "topic": ((Mapping,), "a topic, an object"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One post of an archive, or the reason why it could not be read."""

    source: str  #: where it stands: "thread.json, post 4", "posts.jsonl, line 3"
    id: str | None = None  #: of the post, when that much could be read
    question: Question | None = None  #: None when `error` says why
    topic: Topic | None = None  #: the thread it was found in, when it was found in one
    error: BadInput | None = None


def read_archive(path: Path, *, chapter_of: ChapterOf = no_chapter) -> Iterator[Entry]:
    """Every post of a file or a folder, in order.

    Raises `BadInput` at once when `path` is not there or holds no archive.
    """
    files = _files(path)
    return (entry for file in files for entry in _read_file(file, chapter_of=chapter_of))


def read_topic(path: Path) -> Topic:
    """The topic in a file. Raises `BadInput` when it holds none, or holds posts without their text."""
    try:
        record = _json(path.read_bytes(), source=str(path))
    except OSError as error:
        raise _unreadable(path, error) from error
    if not isinstance(record, Mapping):
        raise BadInput(f"{path}: a topic is needed: an object, as /t/NUMBER.json?include_raw=1 gives it.")
    return _topic(record, source=str(path))


def read_topics(path: Path) -> tuple[Topic, ...]:
    """The topics of a file or a folder, each once, in order. Raises the first `BadInput` it meets."""
    found: dict[str, Topic] = {}
    for entry in read_archive(path):
        if entry.error:
            raise entry.error
        if entry.topic:
            found.setdefault(entry.topic.id, entry.topic)
    return tuple(found.values())


def read_lines(lines: Iterable[bytes | str], *, source: str, chapter_of: ChapterOf = no_chapter) -> Iterator[Entry]:
    """One JSON object a line. A line that is none, an empty one too, becomes an `Entry` with an error.

    Lines end at a newline and nowhere else, so give a file opened as bytes: text files may be cut at
    other characters that Markdown may hold.
    """
    for number, line in enumerate(lines, start=1):
        where = f"{source}, line {number}"
        if line.strip():
            ended = line.rstrip(b"\r\n") if isinstance(line, bytes) else line.rstrip("\r\n")
            yield from _read_record(ended, source=where, chapter_of=chapter_of)
        else:
            yield Entry(
                source=where, error=BadInput(f"{where}: the line is empty; an object is needed, like {_EXAMPLE}.")
            )


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise BadInput(f"{path}: there is no such file or folder.")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in _FILES and file.is_file())
    if not files:
        raise BadInput(f"{path}: no {', '.join(_FILES)} file is in this folder.")
    return files


def _read_file(path: Path, *, chapter_of: ChapterOf) -> Iterator[Entry]:
    try:
        with path.open("rb") as file:
            if path.suffix in _LINES:
                yield from read_lines(file, source=str(path), chapter_of=chapter_of)
            else:
                yield from _read_record(file.read(), source=str(path), chapter_of=chapter_of)
    except OSError as error:
        yield Entry(source=str(path), error=_unreadable(path, error))


def _read_record(content: bytes | str, *, source: str, chapter_of: ChapterOf) -> Iterator[Entry]:
    try:
        value = _json(content, source=source)
    except BadInput as error:
        yield Entry(source=source, error=error)
        return
    records = value if isinstance(value, list) else [value]
    for place, record in enumerate(records, start=1):
        where = f"{source}, item {place}" if isinstance(value, list) else source
        yield from _entries(record, source=where, chapter_of=chapter_of)


def _entries(record: object, *, source: str, chapter_of: ChapterOf) -> Iterator[Entry]:
    """The posts of one record, be it a topic or a single post."""
    if not isinstance(record, Mapping):
        yield Entry(source=source, error=BadInput(f"{source}: an object is needed, like {_EXAMPLE}."))
        return
    try:
        if "post_stream" in record:
            topic = _topic(record, source=source)
            for asked in questions(topic, chapter_of=chapter_of):
                where = f"{source}, post {asked.post.number}"
                yield Entry(source=where, id=asked.post.id, question=asked, topic=topic)
        else:
            _require_types(record, source=source)
            topic = _topic_of_post(record, source=source)
            asked = _single_post(record, topic, source=source, chapter_of=chapter_of)
            thread = topic if "topic" in record else None
            yield Entry(source=source, id=asked.post.id, question=asked, topic=thread)
    except BadInput as error:
        yield Entry(source=source, id=wire.name(record.get("id")), error=error)


def _single_post(record: wire.Json, topic: Topic, *, source: str, chapter_of: ChapterOf) -> Question:
    """The question of `{"id", "title", "body"}`, within its thread when the record brings one."""
    body = wire.text(record.get("body")) or wire.text(record.get("raw"))
    number = _number(record, topic)
    stored = topic.post(number)
    if not body and not stored:
        raise BadInput(f'{source}: "body" is missing, the text of the post as it was typed, as in {_EXAMPLE}.')
    post = stored or wire.post_from(record, topic_id=topic.id or None, number=number)
    post = replace(
        post,
        id=wire.name(record.get("id")) or (stored.id if stored else source),
        raw=body or post.raw,
    )
    return question(post, topic, chapter_of=chapter_of, language=_language(record.get("lang")))


def _topic_of_post(record: wire.Json, *, source: str) -> Topic:
    given = record.get("topic")
    if isinstance(given, Mapping):
        _require_texts(given, source=source)
        return wire.topic_from(given)
    return Topic(id="", title=wire.text(record.get("title")))


def _number(record: wire.Json, topic: Topic) -> int:
    """Where a post stands in its topic: as it says, else where its id stands, else after all others."""
    given = record.get("topic")
    inside = given.get("post_number") if isinstance(given, Mapping) else None
    said = wire.whole(record.get("post_number")) or wire.whole(inside)
    if said is not None:
        return said
    named = wire.name(record.get("id"))
    same = next((post.number for post in topic.posts if post.id == named), None)
    return same or max((post.number for post in topic.posts), default=0) + 1


def _topic(record: wire.Json, *, source: str) -> Topic:
    if not wire.post_records(record):
        raise BadInput(f"{source}: it holds no posts. Save a topic from /t/NUMBER.json?include_raw=1.")
    _require_texts(record, source=source)
    return wire.topic_from({**record, "id": record.get("id") or source})


def _require_types(record: wire.Json, *, source: str) -> None:
    """A post that somebody wrote down by hand says so when a value cannot be meant; null is as good as absent."""
    for key, (kinds, told) in _TYPES.items():
        value = record.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
            raise BadInput(f'{source}: "{key}" must be {told}, as in {_EXAMPLE}.')


def _require_texts(topic: wire.Json, *, source: str) -> None:
    """Without `include_raw` a topic comes as HTML alone, from which no code can be read."""
    for place, post in enumerate(wire.post_records(topic), start=1):
        if not isinstance(post.get("raw"), str) and post.get("hidden") is not True:
            raise BadInput(
                f'{source}: post {post.get("post_number", place)} has no "raw", the text as it was typed.'
                " Save the topic again from /t/NUMBER.json?include_raw=1."
            )


def _language(value: object) -> Language | None:
    """The language of a tag such as "en", "zh-Hans" or "zh_CN"; None for any other."""
    tag = wire.text(value).replace("_", "-").split("-")[0].lower()
    return next((language for language in Language if language.value == tag), None)


def _unreadable(path: Path, error: OSError) -> BadInput:
    return BadInput(f"{path}: it cannot be read ({error.strerror}).")


def _json(content: bytes | str, *, source: str) -> Any:
    try:
        decoded = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        return json.loads(decoded.removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{source}: it is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise BadInput(f"{source}: {line}column {error.colno} is not JSON: {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{source}: it is JSON that cannot be read: {error}.") from error
