"""Reads `knowledge/` into `Confusion` objects, and points at file and key when one is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bot.domain.confusion import Confusion
from bot.errors import KnowledgeError, NotFound
from bot.library.entry import FILE, read_entry
from bot.library.mistakes import meant

__all__ = [
    "FILE",
    "NOT_ENTRIES",
    "LeftOut",
    "Library",
    "is_the_projects",
    "meant",
    "read_entry",
    "read_library",
    "shipped_contexts",
    "shipped_folder",
]

#: Folders of `knowledge/` that are no entries.
NOT_ENTRIES = frozenset({"contexts", "coverage", "__pycache__"})


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
    here = Path(__file__).resolve().parents[1]
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
