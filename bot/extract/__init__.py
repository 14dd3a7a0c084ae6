"""From the text of a post to what it says. Nothing is run here."""

from __future__ import annotations

from bot.extract.reading import read
from bot.extract.traceback import is_autograd_message
from bot.extract.triage import asks, silent_because

__all__ = ["asks", "is_autograd_message", "read", "silent_because"]
