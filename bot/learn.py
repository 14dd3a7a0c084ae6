"""What moderators and askers made of each confusion's drafts, and how far it has earned trust.

A modest beginning: it counts, and says *trusted* when a good share is near certain. Nothing is posted
because of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import sqrt

from bot.domain.draft import DraftState, RejectReason, ReplyFate
from bot.store import decisions, replies
from bot.store.decisions import Tally
from bot.store.engine import Connection

#: Decisions before a confusion can be trusted at all.
LEAST_DECISIONS = 20
#: The share of drafts right as they stood that must be near certain (at the lower end of 95 % confidence).
LEAST_SHARE = 0.8

#: Rejections that say nothing about the diagnosis or the code.
_NOT_ITS_FAULT = frozenset({RejectReason.ALREADY_ANSWERED, RejectReason.HOMEWORK})


class Standing(Enum):
    """How far a confusion has proved itself."""

    TRIAL = "trial"
    TRUSTED = "trusted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What was decided about the drafts of one confusion, and what became of its replies."""

    confusion: str
    approved: int = 0  #: as they stood; what was undone does not count
    edited: int = 0  #: approved after a person changed the text
    rejected: Mapping[RejectReason, int] = field(default_factory=dict)
    fates: Mapping[ReplyFate, int] = field(default_factory=dict)

    @property
    def faults(self) -> int:
        """Decisions that say the draft was not right as it stood, and askers whom the reply did not help."""
        blamed = sum(number for reason, number in self.rejected.items() if reason not in _NOT_ITS_FAULT)
        regretted = (ReplyFate.FLAGGED, ReplyFate.DELETED, ReplyFate.STILL_FAILS)
        return self.edited + blamed + sum(self.fates.get(fate, 0) for fate in regretted)

    @property
    def standing(self) -> Standing:
        """*Trusted* after enough decisions of which nearly all approved the draft as it stood."""
        decided = self.approved + self.faults
        trusted = decided >= LEAST_DECISIONS and _lower_share(self.approved, decided) >= LEAST_SHARE
        return Standing.TRUSTED if trusted else Standing.TRIAL


def records(connection: Connection) -> list[Record]:
    """The record of each confusion that was ever decided about, by name."""
    by_name: dict[str, list[Tally]] = defaultdict(list)
    for tally in decisions.tallies(connection):
        by_name[tally.confusion].append(tally)
    fates: dict[str, dict[ReplyFate, int]] = defaultdict(dict)
    for (name, fate), number in replies.outcome_counts(connection).items():
        fates[name][fate] = number
    return [_record(name, by_name[name], fates[name]) for name in sorted(by_name)]


def _record(name: str, tallies: Iterable[Tally], fates: Mapping[ReplyFate, int]) -> Record:
    approved = edited = 0
    rejected: dict[RejectReason, int] = defaultdict(int)
    for tally in tallies:
        match tally.before, tally.after:
            case DraftState.PENDING, DraftState.APPROVED if tally.edited:
                edited += tally.number
            case DraftState.PENDING, DraftState.APPROVED:
                approved += tally.number
            case DraftState.PENDING, DraftState.REJECTED if tally.reason:
                rejected[tally.reason] += tally.number
            case DraftState.APPROVED, DraftState.PENDING if tally.edited:
                edited -= tally.number
            case DraftState.APPROVED, DraftState.PENDING:
                approved -= tally.number
            case DraftState.REJECTED, DraftState.PENDING if tally.reason:
                rejected[tally.reason] -= tally.number
    return Record(
        confusion=name,
        approved=approved,
        edited=edited,
        rejected={reason: number for reason, number in rejected.items() if number},
        fates=dict(fates),
    )


def _lower_share(hits: int, of: int) -> float:
    """The lower end of Wilson's 95 % interval for a share."""
    if of == 0:
        return 0.0
    z = 1.96
    share = hits / of
    middle = share + z * z / (2 * of)
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of)
