"""Finding drafts by words of their title, asker and confusion.

English is cut into words, Chinese into pairs of characters. Every word of a query must occur; each may
be the beginning of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import and_, delete, exists, insert, select
from sqlalchemy.sql.elements import ColumnElement

from bot.store.engine import Connection
from bot.store.tables import drafts, terms

#: A word that more drafts have is looked for draft by draft, in the order of the list.
_RARE = 1000
_MOST_TERMS = 80
_MOST_ASKED = 8
_LONGEST = 40
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PARTS = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_ABOVE_ALL = "\U0010ffff"


def terms_of(text: str) -> list[str]:
    """The words of a text, and the pairs of its Chinese characters; each once."""
    found = (term[:_LONGEST] for part in _PARTS.findall(text.casefold()) for term in _terms(part))
    return list(dict.fromkeys(found))


def _terms(part: str) -> Iterator[str]:
    if not re.match(rf"[{_HAN}]", part):
        yield part
        return
    yield from (part[place : place + 2] for place in range(len(part)))


def keep(connection: Connection, draft_id: int, *texts: str) -> None:
    """The draft is found by the words of these texts from now on, and by no others."""
    connection.execute(delete(terms).where(terms.c.draft_id == draft_id))
    found = terms_of(" ".join(texts))[:_MOST_TERMS]
    if found:
        connection.execute(insert(terms), [{"draft_id": draft_id, "term": term} for term in found])


def condition(connection: Connection, query: str) -> ColumnElement[bool] | None:
    """What a draft must fulfil to be found; None when the query has no words.

    The cost stays small for rare words (their few drafts are known beforehand) and for common ones
    (the list is soon full).
    """
    asked = _asked(query)
    if not asked:
        return None
    chosen: set[int] | None = None
    common: list[ColumnElement[bool]] = []  # and, at the end, the chosen ones
    for term in asked:
        rows = select(terms.c.draft_id).where(*_begins(term)).order_by(terms.c.term).limit(_RARE + 1)
        ids = connection.execute(rows).scalars().all()
        if len(ids) > _RARE:
            common.append(exists().where(terms.c.draft_id == drafts.c.id, *_begins(term)))
        else:
            chosen = set(ids) if chosen is None else chosen & set(ids)
    if chosen is not None:
        common.append(drafts.c.id.in_(sorted(chosen)))
    return and_(*common)


def _asked(query: str) -> list[str]:
    """The terms of a query. A last lone character of a Chinese word adds nothing to the pair before it."""
    found: list[str] = []
    for part in _PARTS.findall(query.casefold()):
        parts = list(_terms(part))
        found += parts[:-1] if len(parts) > 1 else parts
    return [term[:_LONGEST] for term in dict.fromkeys(found)][:_MOST_ASKED]


def _begins(term: str) -> tuple[ColumnElement[bool], ...]:
    return terms.c.term >= term, terms.c.term < term + _ABOVE_ALL
