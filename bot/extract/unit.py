"""One statement, output or sentence of a post."""

from __future__ import annotations

from dataclasses import dataclass

from bot.extract.lines import LineKind
from bot.extract.transcript import TypedLine


@dataclass(frozen=True, slots=True)
class Unit:
    """Lines that belong together, and what they are."""

    kind: LineKind
    lines: tuple[TypedLine, ...]

    @property
    def text(self) -> str:
        """Its lines joined."""
        return "\n".join(line.text for line in self.lines)
