"""Why a program did what the asker did not expect, how to mend it, and what was checked about that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One thing that holds, and where it can be seen."""

    word: str  #: the word of the closed vocabulary, e.g. "raises"
    text: str  #: one line a moderator understands
    line: int | None = None  #: of the snippet
    event: int | None = None  #: index on the tape


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """The confusion, and the evidence that shows it."""

    confusion: str
    evidence: tuple[Evidence, ...]
    confidence: float  #: 0 to 1
    ran: bool  #: decided by a run; False: by the text alone
    error_line: int | None = None
    cause_line: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)  #: what $NAMES of the entry stand for: {"LOSS": "y"}
    serials: Mapping[str, int] = field(default_factory=dict)  #: and the tensors they hold on the tape
    same_error: bool | None = None  #: the quoted error occurred; None when none was quoted or nothing ran
    also: tuple[str, ...] = ()  #: runners-up, best first

    def weakened(self, factor: float) -> Diagnosis:
        """The same diagnosis with less confidence."""
        return replace(self, confidence=self.confidence * factor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """The smallest edit of the asker's own program."""

    fix: str  #: name of the fix
    code: str
    diff: str  #: unified, without file names
    changed: tuple[int, ...]  #: lines of the original that were changed or stand before an insertion
    why: str | None = None  #: what the fix keeps, from the entry
    changes: tuple[str, ...] = ()  #: names whose value it means to change
    cuts: tuple[str, ...] = ()  #: names whose graph it means to cut


class CheckState(Enum):
    """The result of one part of a proof."""

    YES = "yes"
    NO = "no"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One part of a proof, with its reason and numbers."""

    state: CheckState
    why: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def yes(self) -> bool:
        """Whether it was checked and holds."""
        return self.state is CheckState.YES


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What was checked about a repair. It is bound to the code it was made for."""

    code_sha256: str
    error_gone: Check
    confusion_gone: Check
    values_kept: Check
    gradient: Check
    minimal: Check
    trusted: bool = True  #: False: the program touches the interpreter that keeps the tape

    @property
    def holds(self) -> bool:
        """Whether the repair may be shown as code to copy: the first two hold and no part fails."""
        parts = (self.values_kept, self.gradient, self.minimal)
        return (
            self.error_gone.yes and self.confusion_gone.yes and not any(part.state is CheckState.NO for part in parts)
        )

    def proves(self, code: str) -> bool:
        """Whether this proof was made for exactly this code, and holds."""
        return self.holds and self.code_sha256 == code_sha256(code)


def code_sha256(code: str) -> str:
    """The fingerprint that binds a proof to code; trailing blank lines do not count."""
    return hashlib.sha256(code.rstrip().encode("utf-8", "surrogatepass")).hexdigest()
