"""Which drafts a moderator looks at, and in which order: the filters of the queue, as a query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, urlencode

from bot.domain.draft import DraftState, DraftSummary
from bot.domain.post import Language
from bot.store import queue
from bot.store.engine import Connection
from bot.store.queue import Order

PAGE = 50
_LONGEST = 100
_MOST_CLAIMED = 20
_ANY = 2**31 - 1

Member = TypeVar("Member", DraftState, Order, Language)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A choice of drafts."""

    state: DraftState = DraftState.PENDING
    order: Order | None = None  #: None: what suits the state
    confusion: str = ""
    language: Language | None = None
    category: int | None = None
    confidence: int = 0  #: at least so many percent
    words: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """The listing that a query string asks for; what it does not understand is left out."""
        return cls(
            state=_member(DraftState, query.get("state")) or DraftState.PENDING,
            order=_member(Order, query.get("order")),
            confusion=query.get("confusion", "")[:_LONGEST],
            language=_member(Language, query.get("language")),
            category=_whole(query.get("category"), most=_ANY),
            confidence=_whole(query.get("confidence"), most=100) or 0,
            words=query.get("q", "")[:_LONGEST],
        )

    @classmethod
    def read_text(cls, query: str) -> Self:
        """The listing of a query string as `query` writes it."""
        return cls.read(dict(parse_qsl(query[:1000])))

    def query(self, **changes: Any) -> str:
        """The query string that leads back to this listing, or to one with these changes."""
        chosen = replace(self, **changes)
        given = {
            "state": chosen.state.value if chosen.state is not DraftState.PENDING else "",
            "order": chosen.order.value if chosen.order else "",
            "confusion": chosen.confusion,
            "language": chosen.language.value if chosen.language else "",
            "category": chosen.category if chosen.category is not None else "",
            "confidence": chosen.confidence or "",
            "q": chosen.words,
        }
        return urlencode({name: value for name, value in given.items() if value != ""})

    @property
    def sorted_by(self) -> Order:
        """What waits is shown oldest first, what was decided newest first."""
        return self.order or (Order.OLDEST if self.state is DraftState.PENDING else Order.NEWEST)

    @property
    def filtered(self) -> bool:
        """Whether more than words or another state was asked for."""
        return self.order is not None or (self.narrowed and not self.words)

    @property
    def narrowed(self) -> bool:
        """Whether a filter is set."""
        return bool(self.confusion or self.language or self.category is not None or self.confidence or self.words)

    def page(
        self, connection: Connection, *, after: DraftSummary | None = None, most: int = PAGE
    ) -> list[DraftSummary]:
        """One page of the drafts."""
        return queue.listed(
            connection,
            state=self.state,
            order=self.sorted_by,
            confusion=self.confusion or None,
            language=self.language,
            category_id=self.category,
            least_confidence=self.confidence / 100,
            words=self.words,
            after=after,
            most=most,
        )

    def next(self, connection: Connection, draft_id: int, *, visitor: str) -> int | None:
        """The waiting draft behind this one that nobody else has in hand; at the end, the first again."""
        waiting = replace(self, state=DraftState.PENDING)
        here = queue.summary(connection, draft_id)
        behind = waiting.page(connection, after=here, most=_MOST_CLAIMED) if here else []
        for found in (*behind, *waiting.page(connection, most=_MOST_CLAIMED)):
            if found.id != draft_id and found.claimed_by in (None, visitor):
                return found.id
        return None


def _member(members: type[Member], value: str | None) -> Member | None:
    return next((member for member in members if member.value == value), None)


def _whole(text: str | None, *, most: int) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return min(int(text), most)
