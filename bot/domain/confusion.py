"""One entry of the knowledge base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from bot.domain.post import Language


class ConfusionKind(Enum):
    """What stands between the asker and understanding."""

    MISTAKE = "mistake"  #: the code is wrong, and the run shows it
    QUESTION = "question"  #: the code runs as it should; the asker misreads it


class Ruling(Enum):
    """What a person decided about an entry as a whole."""

    RETIRED = "retired"  #: no post is answered with it
    TRUSTED = "trusted"  #: its drafts do not say that it is new
    NONE = "none"  #: it answers as its folder says


class Place(Enum):
    """Where in the program a fix may change something."""

    ERROR_LINE = "error_line"
    CAUSE_LINE = "cause_line"
    FIRST_USE = "first_use"
    CREATION_LINE = "creation_line"
    LAST_BACKWARD = "last_backward"
    WHOLE_PROGRAM = "whole_program"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """One way to mend a confusion."""

    name: str
    where: Place
    replace: str | None = None  #: pattern with $NAMES; None for an insertion or a rewrite
    with_: str | None = None
    insert_after: str | None = None  #: statements put after the place
    insert_before: str | None = None
    append: str | None = None  #: statements put at the end of the program
    rewrite: str | None = None  #: name of a function in the entry's rewrite.py
    keeps: str | None = None  #: what stays the same, and when
    changes: tuple[
        str, ...
    ] = ()  #: names ($NAME or plain) whose value the fix means to change; "updates": what follows one
    cuts: tuple[str, ...] = ()  #: names whose graph the fix means to cut
    when: Mapping[str, Any] = field(default_factory=dict)  #: further [seen] words that must hold


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An example that CI runs: `<name>.<role>[.<language>].<py|md>`."""

    name: str
    role: str  #: "failing", "fixed", "clean", "asked", "not_asked"
    path: Path
    language: Language | None = None

    def text(self) -> str:
        """The file's content."""
        return self.path.read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """One entry of the knowledge base, as its folder says it."""

    name: str
    family: str
    kind: ConfusionKind
    title: Mapping[Language, str]
    asked_as: Mapping[Language, tuple[str, ...]]
    not_this: tuple[str, ...]
    seen: Mapping[str, Any]  #: the words of diagnose/signals.py and their values
    fixes: tuple[Fix, ...]
    facts: Mapping[str, str]  #: name in the prose → expression over the run
    explain: Mapping[Language, str]  #: Markdown with {facts}
    link: str  #: one page of the torch documentation
    cases: tuple[Case, ...]
    folder: Path
    own: bool = True  #: it came with the project; an admin's entry may not bring Python
    wrong_gradient: bool = (
        False  #: the program runs and its gradient is wrong: the original must fail the numeric check
    )
    trial: bool = False  #: its drafts say that the entry is new
    run_only: bool = False  #: it answers only a post whose code was run and shows it; its mere message only where the settings say so
    beside: tuple[str, ...] = ()  #: signs that, beside a quoted message which others share, speak for this entry
    only_beside: tuple[str, ...] = ()  #: one of these must stand beside a quoted message for this entry to be meant
    not_beside: tuple[str, ...] = ()  #: none of these may
    in_code: tuple[tuple[str, ...], ...] = ()  #: signs of code that cannot be run: one of each group shows the mistake
    not_in_code: tuple[str, ...] = ()  #: none of these may be in it
    general: bool = False  #: of the entries that share a message, the one to name when nothing could be run

    def case(self, name: str, role: str) -> Case | None:
        """The case of this name and role."""
        return next((case for case in self.cases if case.name == name and case.role == role), None)
