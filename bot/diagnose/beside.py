"""What stands beside a quoted message: signs, in sentences or in code that cannot be run, of the cause that is meant; and
signs in such code that show a mistake by themselves.

A sign is looked for as it is written, in any case of letters and with any white space between its parts. `*` at an end
lets the word go on there (`freez*`), and ` ... ` in between leaves room for a few lines (`.step() ... .backward(`).
There is no more to it, so that none of an admin's signs can take long on a stranger's post.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
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
_COMMENT = re.compile(r"#[^\n]*")
#: Training that leads nowhere.
_IN_VAIN = re.compile(
    r"(?:\bnot|n't|n’t|\bnever|\bno|\bwithout)\W+(?:\w+\W+){0,2}(?:learn|train|converg|chang|updat|improv|increas|decreas|go(?:es|ing)? (?:down|up)|drop)"
    r"|\b(?:unchanged|constant|stuck|stays?|nan|inf)\b|\bsame (?:loss|value|accuracy|output|result)|\b(?:low|poor|bad|random) (?:accuracy|results?)"
    r"|不(?:收敛|下降|更新|变|学|上升|降)|一直(?:停|不|是)|没有(?:变化|下降|更新|梯度)|都一样",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Surroundings:
    """What a post says and shows beside the message that it quotes."""

    text: str

    @classmethod
    def of(cls, title: str, reading: Reading) -> Surroundings:
        """Those of a post: its title, its sentences, its code, and the line that its traceback shows."""
        error = (reading.error.message, reading.error.source or "") if reading.error is not None else ()
        parts = (title, reading.prose, *error, *(block.text for block in reading.blocks))
        return cls(_close("\n".join(parts)[:LONGEST]))

    def speak_for(self, entry: Confusion) -> bool:
        """Whether one of the entry's own signs is there."""
        return self._show(entry.beside)

    def allow(self, entry: Confusion) -> bool:
        """Whether the entry may be meant at all: one of the signs that it needs is there, and none that speaks against it."""
        return (not entry.only_beside or self._show(entry.only_beside)) and not self._show(entry.not_beside)

    def _show(self, signs: Iterable[str]) -> bool:
        return _first(signs, self.text) is not None


def in_code(entry: Confusion, reading: Reading) -> tuple[str, ...]:
    """The signs of the entry's own that the post's code holds, one of each group; none where a group has none there.

    Comments do not count, and no sign goes on over an empty line: what stands apart is not one step after another.
    """
    shown = "\n\n".join(block.text for block in reading.blocks)[:LONGEST]
    code = "\n".join(_close(block) for block in _COMMENT.sub("", shown).split("\n\n"))
    found = [_first(group, code) for group in entry.in_code]
    if not found or None in found or _first(entry.not_in_code, code) is not None:
        return ()
    return tuple(sign for sign in found if sign is not None)


def tells_of_vain_training(text: str) -> bool:
    """Whether a text says that training leads nowhere: only then may signs of code speak for a mistake by themselves."""
    return _IN_VAIN.search(text) is not None


def check(entry: Confusion) -> None:
    """Raise `KnowledgeError` at a sign that says nothing, or that leaves more than one gap."""
    listed = {key: getattr(entry, key) for key in ("beside", "only_beside", "not_beside", "not_in_code")}
    listed["in_code"] = tuple(sign for group in entry.in_code for sign in (group or ("",)))
    for key, signs in listed.items():
        for sign in signs:
            if not sign.strip("* .\t\n") or sign.count(_GAP) > 1:
                raise KnowledgeError(
                    f"{entry.name}/confusion.toml\n"
                    f'  {key}: {sign!r} cannot be looked for. A sign is a word or a piece of code; "*" lets it go on, '
                    'and it may hold one " ... " between two pieces.'
                )


def _first(signs: Iterable[str], text: str) -> str | None:
    return next((sign for sign in signs if _pattern(sign).search(text)), None)


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
