"""The small text files that a post links on its own forum: which, and whether what came back is one.

Every word of a link, and of an answer to it, is a stranger's: only the forum's own uploads are asked for,
by paths of plain characters, and only text comes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.errors import ForumRefused

#: Files of one post that are fetched, and the bytes each may have.
MOST_FILES = 3
MOST_BYTES = 256 * 1024
#: How often the forum may send us on: from an upload's short name to where it lies, and once more.
MOST_REDIRECTS = 2

_LINK = re.compile(r"(?<!!)\[([^\]\n|]{1,200})(?:\|[^\]\n]{0,40})?\]\((\S{1,500}?)\)")
_SHORT = re.compile(r"upload://([A-Za-z0-9]{1,64}\.(?:py|ipynb))", re.IGNORECASE)
_PATH = re.compile(r"/uploads/(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}/){0,12}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}")
_ENDINGS = (".py", ".ipynb")
_TEXT = ("text/", "application/json", "application/octet-stream", "application/x-", "application/vnd.jupyter")


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A file that a post links."""

    name: str  #: as the post calls it
    path: str  #: below the forum's address: "/uploads/short-url/27f3.py"


def links(raw: str, *, forum: str) -> tuple[Link, ...]:
    """The Python files and notebooks among a post's links that lie on `forum` (its address), each once."""
    found: dict[str, Link] = {}
    for label, target in _LINK.findall(raw):
        path = _short_path(target) or own_path(target, forum=forum)
        if path is not None and path.lower().endswith(_ENDINGS):
            found.setdefault(path, Link(name=" ".join(label.split())[:100], path=path))
    return tuple(found.values())[:MOST_FILES]


def own_path(target: str, *, forum: str) -> str | None:
    """The path of an upload below the forum's address; None when the target lies anywhere else."""
    home = urlsplit(forum)
    try:
        there = urlsplit(target)
        elsewhere = there.netloc != "" and (there.scheme or home.scheme, there.netloc) != (home.scheme, home.netloc)
    except ValueError:
        return None
    if elsewhere or (there.scheme and not there.netloc) or there.query or not there.path.startswith(home.path):
        return None
    path = there.path.removeprefix(home.path)
    return path if _PATH.fullmatch(path) and ".." not in path else None


def text_of(content: bytes, *, kind: str) -> str:
    """The file as text. `kind` is its content type. Raises `ForumRefused` for what is no program's text."""
    plain = kind.split(";")[0].strip().lower()
    if plain and (plain == "text/html" or not plain.startswith(_TEXT)):
        raise ForumRefused(f"it is served as {plain[:60]}, which no program is.")
    if len(content) > MOST_BYTES:
        raise ForumRefused(f"it has more than {MOST_BYTES // 1024} KiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ForumRefused("it is not UTF-8 text.") from None
    if "\0" in text:
        raise ForumRefused("it is no text.")
    return text


def _short_path(target: str) -> str | None:
    match = _SHORT.fullmatch(target)
    return f"/uploads/short-url/{match[1]}" if match else None


def chunks_within(chunks: Iterator[bytes], *, most: int) -> bytes:
    """The chunks together. Raises `ForumRefused` as soon as they are more than `most` bytes."""
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > most:
            raise ForumRefused(f"it has more than {most // 1024} KiB.")
    return bytes(content)
