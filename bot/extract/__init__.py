"""From the text of a post to what it says. Nothing is run here."""

from __future__ import annotations

from bot.extract.reading import read

__all__ = ["read"]
