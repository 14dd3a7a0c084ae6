"""What course chapters define: read from `knowledge/contexts/`, one folder a chapter."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.chinese import in_simplified
from bot.domain.post import Language
from bot.errors import KnowledgeError
from bot.source import parses

_CHAPTER_KEYS = frozenset({"titles", "definitions", "scene"})
_SCENE_KEYS = frozenset({"name", "program", "call", "cues", "shows"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A small program of a chapter that posts lean on without showing it."""

    name: str  #: "autograd/elementwise"
    code: str  #: ends with a newline
    call: str | None = None  #: the statement that a call named in a question replaces
    cues: Mapping[Language, tuple[re.Pattern[str], ...]]
    shows: Mapping[str, str]  #: what the last echo of an expression prints: {"x.grad": "tensor([0., 2.])"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """A chapter of a course."""

    name: str  #: its folder: "autograd"
    titles: tuple[re.Pattern[str], ...]  #: topic titles that mean it, matched in full
    definitions: str = ""  #: a program whose statements give values to the chapter's names
    scenes: tuple[Scene, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Contexts:
    """Every chapter the bot knows."""

    chapters: tuple[Chapter, ...] = ()

    def chapter(self, name: str | None) -> Chapter | None:
        """The chapter with this name."""
        return next((chapter for chapter in self.chapters if chapter.name == name), None)

    def chapter_of(self, title: str) -> str | None:
        """The name of the chapter that a topic's title means, or None."""
        plain = in_simplified(" ".join(title.split()))
        for chapter in self.chapters:
            if any(pattern.fullmatch(plain) for pattern in chapter.titles):
                return chapter.name
        return None


def read_contexts(folder: Path) -> Contexts:
    """The chapters in `folder`, by name; none when it does not exist.

    Raises `KnowledgeError` with file and key when one is not well formed.
    """
    if not folder.is_dir():
        return Contexts()
    files = sorted(folder.glob("*/context.toml"))
    return Contexts(chapters=tuple(_chapter(path) for path in files))


def _chapter(path: Path) -> Chapter:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KnowledgeError(f"{path} cannot be read: {error}") from error
    _refuse_unknown(path, values, _CHAPTER_KEYS)
    titles = tuple(_pattern(path, "titles", text) for text in _texts(path, "titles", values.get("titles", [])))
    scenes = tuple(_scene(path, entry) for entry in values.get("scene", []))
    definitions = values.get("definitions")
    return Chapter(
        name=path.parent.name,
        titles=titles,
        definitions=_program(path, "definitions", definitions) if definitions else "",
        scenes=scenes,
    )


def _scene(path: Path, values: dict[str, Any]) -> Scene:
    _refuse_unknown(path, values, _SCENE_KEYS)
    name = values.get("name")
    if not isinstance(name, str):
        raise KnowledgeError(f"{path}: a [[scene]] needs a name")
    code = _program(path, f"scene {name}: program", values.get("program"))
    call = values.get("call")
    if call is not None and call not in code.split("\n"):
        raise KnowledgeError(f"{path}: scene {name}: call = {call!r} is no line of its program")
    cues = values.get("cues", {})
    return Scene(
        name=f"{path.parent.name}/{name}",
        code=code,
        call=call,
        cues={
            language: tuple(
                _pattern(path, f"scene {name}: cues", text)
                for text in _texts(path, f"scene {name}: cues", cues.get(language.value, []))
            )
            for language in Language
        },
        shows=dict(values.get("shows", {})),
    )


def _program(path: Path, key: str, name: object) -> str:
    """The text of a program beside the TOML file."""
    if not isinstance(name, str) or Path(name).name != name:
        raise KnowledgeError(f"{path}: {key} must be the name of a file beside it")
    try:
        code = (path.parent / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path}: {key}: {error}") from error
    if not parses(code):
        raise KnowledgeError(f"{path.parent / name} is no valid Python")
    return code


def _texts(path: Path, key: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise KnowledgeError(f"{path}: {key} must be a list of texts")
    return list(value)


def _pattern(path: Path, key: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise KnowledgeError(f"{path}: {key}: {text!r} is no regular expression: {error}") from error


def _refuse_unknown(path: Path, values: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in values:
        if key not in known:
            raise KnowledgeError(f"{path}: unknown key {key!r}; known keys: {', '.join(sorted(known))}")
