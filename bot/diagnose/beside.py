"""What stands beside a quoted message: signs, in sentences or in code that cannot be run, of the cause that is meant.

A sign is looked for as it is written, in any case of letters and with any white space between its parts. `*` at an end
lets the word go on there (`freez*`), and ` ... ` in between leaves room for a few lines (`.step() ... .backward(`).
There is no more to it, so that none of an admin's signs can take long on a stranger's post.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from bot.domain.confusion import Confusion
from bot.domain.snippet import Reading
from bot.errors import KnowledgeError

#: Characters that ` ... ` may stand for, at most.
GAP = 400
#: Characters of a post that are looked at.
LONGEST = 20_000

_GAP = " ... "
_AROUND_SIGNS = re.compile(r"\s*([^\w\s])\s*")
_SPACE = re.compile(r"\s+")


def pointed_at(entries: Iterable[Confusion], *, title: str, reading: Reading) -> frozenset[str]:
    """The names of those entries that one of their signs in the post speaks for."""
    text = _close("\n".join((title, reading.prose, *(block.text for block in reading.blocks)))[:LONGEST])
    return frozenset(entry.name for entry in entries if any(_pattern(sign).search(text) for sign in entry.beside))


def check(entry: Confusion) -> None:
    """Raise `KnowledgeError` at a sign that says nothing, or that leaves more than one gap."""
    for sign in entry.beside:
        if not sign.strip("* .\t\n") or sign.count(_GAP) > 1:
            raise KnowledgeError(
                f"{entry.name}/confusion.toml\n"
                f'  beside: {sign!r} cannot be looked for. A sign is a word or a piece of code; "*" lets it go on, and '
                'it may hold one " ... " between two pieces.'
            )


def _close(text: str) -> str:
    """The text without the white space that does not matter."""
    return _SPACE.sub(" ", _AROUND_SIGNS.sub(r"\1", text))


@lru_cache(maxsize=1024)
def _pattern(sign: str) -> re.Pattern[str]:
    pieces = [_piece(piece) for piece in sign.split(_GAP)]
    return re.compile(f".{{0,{GAP}}}?".join(pieces), re.IGNORECASE | re.ASCII)


def _piece(piece: str) -> str:
    inner = _close(piece.strip().strip("*"))
    begins = r"\b" if re.match(r"\w", inner, re.ASCII) and not piece.startswith("*") else ""
    ends = r"\b" if re.search(r"\w\Z", inner, re.ASCII) and not piece.endswith("*") else ""
    return begins + re.escape(inner) + ends
