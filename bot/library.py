"""Reads `knowledge/` into `Confusion` objects, and points at file and key when one is wrong."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
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
NOT_ENTRIES = frozenset({"contexts", "coverage", "__pycache__"})


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
class LeftOut:
    """An admin's entry that is not well formed, so that the rest goes on without it."""

    folder: Path
    why: str  #: file, key and remedy

    @property
    def name(self) -> str:
        """The entry's name."""
        return self.folder.name


@dataclass(frozen=True)
class Library:
    """The entries of the knowledge base, by name."""

    entries: tuple[Confusion, ...]
    left_out: tuple[LeftOut, ...] = ()  #: an admin's that are not well formed
    covered: tuple[Confusion, ...] = ()  #: the project's that an admin's of the same name lie over

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
            nearest = f' Did you mean "{near[0]}"?' if near else ""
            raise NotFound(f'no confusion is called "{name}".{nearest} `autograd-bot knowledge list` shows all.')
        return entry

    def well_formed(self, name: str) -> Confusion:
        """The entry that a person named. Raises `KnowledgeError` when an admin's of this name was left out, else as `get`."""
        for broken in self.left_out:
            if broken.name == name:
                raise KnowledgeError(broken.why)
        return self.get(name)

    def covered_by(self, entry: Confusion) -> Confusion | None:
        """The project's entry that this one of an admin's lies over."""
        return next((one for one in self.covered if one.name == entry.name and not entry.own), None)

    def without_retired(self, retired: Iterable[str]) -> Library:
        """The library without the entries a person switched off."""
        gone = set(retired)
        return replace(self, entries=tuple(entry for entry in self.entries if entry.name not in gone))

    def trusting(self, trusted: Iterable[str]) -> Library:
        """The library in which these entries are not new, so that their drafts do not say so."""
        names = set(trusted)
        told = tuple(replace(entry, trial=False) if entry.name in names else entry for entry in self.entries)
        return replace(self, entries=told)


def shipped_folder() -> Path:
    """The project's own `knowledge/`: beside the package in a checkout, inside it when installed."""
    here = Path(__file__).resolve().parent
    inside = here / "_shipped" / "knowledge"
    return inside if inside.is_dir() else here.parent / "knowledge"


def shipped_contexts() -> Path:
    """What the course's chapters define: `knowledge/contexts/`."""
    return shipped_folder() / "contexts"


def is_the_projects(name: str) -> bool:
    """Whether the project brings an entry of this name."""
    return (shipped_folder() / name / FILE).is_file()


def read_library(
    admins: Path | None = None,
    *,
    words: Iterable[str] | None = None,
    check: Callable[[Confusion], None] | None = None,
) -> Library:
    """All entries: the project's own, with an admin's laid over them by name.

    `words` are the known words of `[seen]`; another one is an error that names the word meant. `check` raises
    `KnowledgeError` for what cannot be used. An admin's entry that is not well formed is left out, and told of in
    `left_out`. Raises `KnowledgeError`, which says file, key and what to do, for one of the project's own.
    """
    known = None if words is None else frozenset(words)

    def read(folder: Path, *, own: bool) -> Confusion:
        entry = read_entry(folder, own=own, words=known)
        if check is not None:
            check(entry)
        return entry

    shipped = {folder.name: read(folder, own=True) for folder in _folders(shipped_folder())}
    theirs: dict[str, Confusion] = {}
    left_out: list[LeftOut] = []
    for folder in _folders(admins) if admins is not None and admins.is_dir() else ():
        try:
            theirs[folder.name] = read(folder, own=False)
        except KnowledgeError as error:
            left_out.append(LeftOut(folder, str(error)))
    entries = shipped | theirs
    return Library(
        tuple(entries[name] for name in sorted(entries)),
        left_out=tuple(left_out),
        covered=tuple(shipped[name] for name in sorted(theirs) if name in shipped),
    )


def _folders(folder: Path) -> Iterator[Path]:
    """The folders of entries in a folder."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in NOT_ENTRIES and not path.name.startswith("."):
            yield path


def read_entry(folder: Path, *, own: bool, words: frozenset[str] | None = None) -> Confusion:
    """One entry. Raises `KnowledgeError` with file and key when it is not well formed."""
    path = folder / FILE
    shown = f"{folder.name}/{FILE}"
    if not _NAME.fullmatch(folder.name):
        raise KnowledgeError(f"{folder}: the folder's name must be lower case words joined by _, like non_leaf_grad")
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
        entry = _Entry.model_validate(raw)
    except FileNotFoundError:
        raise KnowledgeError(f"{folder}: there is no {FILE}. `autograd-bot knowledge new` writes one.") from None
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"{shown}: not a TOML file: {_at_its_line(text, str(error))}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{shown}: cannot be read as UTF-8: {error}") from error
    except ValidationError as error:
        raise KnowledgeError(_first_mistake(shown, raw, error)) from error
    _check_link(entry.link, where=shown)
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
        cases=tuple(_cases(folder, own=own)),
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


def _cases(folder: Path, *, own: bool) -> Iterator[Case]:
    for path in sorted((folder / "cases").glob("*")) if (folder / "cases").is_dir() else ():
        found = _CASE.fullmatch(path.name)
        if found is None:
            raise KnowledgeError(
                f"{folder.name}/cases/{path.name}: a case is called like vector_loss.failing.py, "
                "vector_loss.fixed.py, scalar.clean.py, plot.shown.py, plot.asked.zh.md or plot.not_asked.en.md"
            )
        language = Language(found["language"]) if found["language"] else None
        if not own:
            _require_text(path)
        yield Case(name=found["name"], role=found["role"], path=path, language=language)


def _require_text(path: Path) -> None:
    """Raises `KnowledgeError` for a case that cannot be read; the project's own are read by its tests."""
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path.parents[1].name}/cases/{path.name}: cannot be read as UTF-8: {error}") from error


def _explanation(folder: Path, language: Language) -> str:
    path = folder / f"explain.{language.value}.md"
    try:
        return path.read_text(encoding="utf-8").strip() + "\n"
    except FileNotFoundError:
        raise KnowledgeError(f"{folder.name}: there is no {path.name}. Write the explanation there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{folder.name}/{path.name}: cannot be read as UTF-8: {error}") from error


def _check_words(seen: Any, words: frozenset[str], *, where: str) -> None:
    if not isinstance(seen, Mapping):
        raise KnowledgeError(f'{where}\n  any takes a list of tables, not takes a table: any = [{{ raises = "…" }}]')
    for word, value in seen.items():
        if word not in words:
            raise KnowledgeError(
                f'{where}\n  unknown word "{word}".{meant(word, words)}\n'
                f"  known words: {', '.join(sorted(words))}   (explained by: autograd-bot knowledge words)"
            )
        match word:
            case "any":
                for part in value if isinstance(value, list) else [value]:
                    _check_words(part, words, where=where)
            case "not":
                _check_words(value, words, where=where)


def meant(word: object, known: Iterable[str]) -> str:
    """ " Did you mean …?" with the nearest of the known words; nothing where none is near."""
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f' Did you mean "{near[0]}"?' if near else ""


def _first_mistake(shown: str, raw: Mapping[str, Any], error: ValidationError) -> str:
    # A misspelt key is also a missing one; the misspelling is what to mend.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    loc, given = first["loc"], first["input"]
    if loc == ("fix",):
        return f"{shown}, [fix]\n  {_TWO_BRACKETS}"
    where, key = (shown, loc) if loc[0] != "fix" else (f"{shown}, [[fix]] {_fix_name(raw, loc)}", loc[2:])
    name = ".".join(str(part) for part in key if part != "[key]")
    match first["type"]:
        case "extra_forbidden":
            known = (
                list(_Entry.model_fields) if where == shown else [f.alias or n for n, f in _Fix.model_fields.items()]
            )
            return f'{where}: unknown key "{name}".{meant(name, known)}\n  known keys: {", ".join(known)}'
        case "missing":
            return f'{where}: the key "{name}" is missing'
        case "enum":
            known = re.findall(r"'([^']+)'", str(first["ctx"]["expected"]))
            wrong = f'unknown key "{name}"' if loc[-1] == "[key]" else f'the key "{name}" cannot be "{given}"'
            return f"{where}: {wrong}.{meant(given, known)}\n  it is one of: {', '.join(known)}"
        case kind:
            wanted = _SHAPES.get(kind, first["msg"])
            return f'{where}: the key "{name}" cannot be {given!r}: {wanted.format(key=name, given=given)}'


_TWO_BRACKETS = "A fix begins with [[fix]], in two brackets: there may be several."
#: What a key takes that was given something of another kind.
_SHAPES = {
    "string_type": 'it takes a text in quotes: {key} = "…"',
    "tuple_type": 'it takes a list: {key} = ["{given}"]',
    "bool_parsing": "it takes true or false",
    "bool_type": "it takes true or false",
    "dict_type": "it takes a table: {key}.en = … and {key}.zh = …, or a section [{key}]",
}


def _fix_name(raw: Mapping[str, Any], loc: tuple[int | str, ...]) -> str:
    """The name of the fix that an error is about, else its number."""
    fix = raw["fix"][loc[1]]
    return str(fix.get("name", f"number {int(loc[1]) + 1}")) if isinstance(fix, dict) else f"number {int(loc[1]) + 1}"


def _at_its_line(text: str, message: str) -> str:
    """What is wrong with a TOML file, with its section, the line, and what is mostly meant by such a line."""
    found = re.search(r"line (\d+)", message)
    if found is None:
        return message
    lines = text.splitlines()[: int(found[1])]
    section = next((line.strip() for line in reversed(lines[:-1]) if line.startswith("[")), "its head")
    line = lines[-1].strip() if lines else ""
    bare = re.fullmatch(r"([\w.]+)\s*=\s*([A-Za-z_$][\w.$()]*)\s*(?:#.*)?", line)
    remedy = f'\n  A text stands in quotes: {bare[1]} = "{bare[2]}"' if bare else ""
    if section == "[fix]":
        remedy = f"\n  {_TWO_BRACKETS}"
    return f"{message}, in {section}\n  {line}{remedy}"


def _check_link(link: str, *, where: str) -> None:
    """Raises `KnowledgeError` for what a reply must not lead to."""
    if not re.fullmatch(r"https?://[\w.-]+(?::\d+)?(?:/[^\s<>()\"']*)?", link):
        raise KnowledgeError(
            f'{where}: the key "link" cannot be "{link}": it takes one page on the web, as in link = '
            '"https://docs.pytorch.org/docs/stable/notes/autograd.html"'
        )
