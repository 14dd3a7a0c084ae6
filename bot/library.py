"""Reads `knowledge/` into `Confusion` objects, and points at file and key when one is wrong."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.confusion import Case, Confusion, ConfusionKind, Fix, Place
from bot.domain.post import Language
from bot.errors import KnowledgeError, NotFound

FILE = "confusion.toml"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CASE = re.compile(
    r"(?P<name>[a-z0-9_]+)\.(?P<role>failing|fixed|clean|shown|asked|not_asked)(?:\.(?P<language>en|zh))?\.(?P<ending>py|md)"
)
#: Folders of `knowledge/` that are no entries.
_NOT_ENTRIES = frozenset({"contexts", "coverage", "__pycache__"})


class _Fix(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str
    where: Place = Place.WHOLE_PROGRAM
    replace: str | None = None
    with_: str | None = Field(None, alias="with")
    insert_after: str | None = None
    insert_before: str | None = None
    append: str | None = None
    rewrite: str | None = None
    keeps: str | None = None
    changes: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    when: dict[str, Any] = {}


class _Entry(BaseModel):
    """The file as it is written; `Confusion` is the same thing checked."""

    model_config = ConfigDict(extra="forbid")

    title: dict[Language, str]
    family: str
    kind: ConfusionKind
    link: str
    trial: bool = False
    general: bool = False
    run_only: bool = False
    wrong_gradient: bool = False
    beside: tuple[str, ...] = ()
    only_beside: tuple[str, ...] = ()
    not_beside: tuple[str, ...] = ()
    asked_as: dict[Language, tuple[str, ...]] = {}
    not_this: tuple[str, ...] = ()
    seen: dict[str, Any] = {}
    fix: tuple[_Fix, ...] = ()
    facts: dict[str, str] = {}


@dataclass(frozen=True)
class Library:
    """The entries of the knowledge base, by name."""

    entries: tuple[Confusion, ...]

    def __iter__(self) -> Iterator[Confusion]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def _by_name(self) -> Mapping[str, Confusion]:
        return {entry.name: entry for entry in self.entries}

    def get(self, name: str) -> Confusion:
        """The entry of this name. Raises `NotFound` and names the nearest one."""
        entry = self._by_name.get(name)
        if entry is None:
            near = difflib.get_close_matches(name, self._by_name, n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            raise NotFound(f'no confusion is called "{name}".{meant} `autograd-bot knowledge list` shows all.')
        return entry

    def without_retired(self, retired: Iterable[str]) -> Library:
        """The library without the entries a person switched off."""
        gone = set(retired)
        return Library(tuple(entry for entry in self.entries if entry.name not in gone))


def shipped_folder() -> Path:
    """The project's own `knowledge/`: beside the package in a checkout, inside it when installed."""
    here = Path(__file__).resolve().parent
    inside = here / "_shipped" / "knowledge"
    return inside if inside.is_dir() else here.parent / "knowledge"


def shipped_contexts() -> Path:
    """What the course's chapters define: `knowledge/contexts/`."""
    return shipped_folder() / "contexts"


def read_library(admins: Path | None = None, *, words: Iterable[str] | None = None) -> Library:
    """All entries: the project's own, with an admin's laid over them by name.

    `words` are the known words of `[seen]`; another one is an error that names the word meant.
    Raises `KnowledgeError`, which says file, key and what to do.
    """
    known = None if words is None else frozenset(words)
    entries = {entry.name: entry for entry in read_folder(shipped_folder(), own=True, words=known)}
    if admins is not None and admins.is_dir():
        entries |= {entry.name: entry for entry in read_folder(admins, own=False, words=known)}
    return Library(tuple(entries[name] for name in sorted(entries)))


def read_folder(folder: Path, *, own: bool, words: frozenset[str] | None = None) -> Iterator[Confusion]:
    """The entries in a folder of folders."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in _NOT_ENTRIES and not path.name.startswith("."):
            yield read_entry(path, own=own, words=words)


def read_entry(folder: Path, *, own: bool, words: frozenset[str] | None = None) -> Confusion:
    """One entry. Raises `KnowledgeError` with file and key when it is not well formed."""
    path = folder / FILE
    shown = f"{folder.name}/{FILE}"
    if not _NAME.fullmatch(folder.name):
        raise KnowledgeError(f"{folder}: the folder's name must be lower case words joined by _, like non_leaf_grad")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        entry = _Entry(**raw)
    except FileNotFoundError:
        raise KnowledgeError(f"{folder}: there is no {FILE}. `autograd-bot knowledge new` writes one.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KnowledgeError(f"{shown}: not a TOML file: {error}") from error
    except ValidationError as error:
        raise KnowledgeError(_first_mistake(shown, error)) from error
    if words is not None:
        _check_words(entry.seen, words, where=f"{shown}, [seen]")
        for fix in entry.fix:
            _check_words(fix.when, words, where=f"{shown}, [[fix]] {fix.name}, when")
    explain = {language: _explanation(folder, language) for language in Language}
    missing = [language.value for language in Language if language not in entry.title]
    if missing:
        raise KnowledgeError(f'{shown}: there is no title.{missing[0]}. Write one: title.{missing[0]} = "…"')
    if not own and any(fix.rewrite for fix in entry.fix):
        raise KnowledgeError(f"{shown}: `rewrite` is for the project's own entries; use replace and with here")
    return Confusion(
        name=folder.name,
        family=entry.family,
        kind=entry.kind,
        title=entry.title,
        asked_as=entry.asked_as,
        not_this=entry.not_this,
        seen=entry.seen,
        fixes=tuple(Fix(**fix.model_dump()) for fix in entry.fix),
        facts=entry.facts,
        explain=explain,
        link=entry.link,
        cases=tuple(_cases(folder)),
        folder=folder,
        own=own,
        trial=entry.trial,
        wrong_gradient=entry.wrong_gradient,
        general=entry.general,
        run_only=entry.run_only,
        beside=entry.beside,
        only_beside=entry.only_beside,
        not_beside=entry.not_beside,
    )


def _cases(folder: Path) -> Iterator[Case]:
    for path in sorted((folder / "cases").glob("*")) if (folder / "cases").is_dir() else ():
        found = _CASE.fullmatch(path.name)
        if found is None:
            raise KnowledgeError(
                f"{folder.name}/cases/{path.name}: a case is called like vector_loss.failing.py, "
                "vector_loss.fixed.py, scalar.clean.py, plot.shown.py, plot.asked.zh.md or plot.not_asked.en.md"
            )
        language = Language(found["language"]) if found["language"] else None
        yield Case(name=found["name"], role=found["role"], path=path, language=language)


def _explanation(folder: Path, language: Language) -> str:
    path = folder / f"explain.{language.value}.md"
    try:
        return path.read_text(encoding="utf-8").strip() + "\n"
    except FileNotFoundError:
        raise KnowledgeError(f"{folder.name}: there is no {path.name}. Write the explanation there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{folder.name}/{path.name}: cannot be read as UTF-8: {error}") from error


def _check_words(seen: Mapping[str, Any], words: frozenset[str], *, where: str) -> None:
    for word, value in seen.items():
        if word not in words:
            near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            raise KnowledgeError(
                f'{where}\n  unknown word "{word}".{meant}\n'
                f"  known words: {', '.join(sorted(words))}   (explained by: autograd-bot knowledge words)"
            )
        match word:
            case "any":
                for part in value if isinstance(value, list) else [value]:
                    _check_words(part, words, where=where)
            case "not":
                _check_words(value, words, where=where)


def _first_mistake(shown: str, error: ValidationError) -> str:
    # A misspelt key is also a missing one; the misspelling is what to mend.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    match first["type"]:
        case "extra_forbidden":
            known = (
                list(_Entry.model_fields)
                if len(first["loc"]) == 1
                else [f.alias or n for n, f in _Fix.model_fields.items()]
            )
            near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            return f'{shown}: unknown key "{key}".{meant}\n  known keys: {", ".join(known)}'
        case "missing":
            return f'{shown}: the key "{key}" is missing'
        case _:
            return f'{shown}: the key "{key}": {first["msg"]}'


def with_trial(entry: Confusion) -> Confusion:
    """The entry as a new one whose drafts say so."""
    return replace(entry, trial=True)
