"""From a reading to runnable programs: what a question leans on is filled in, on record."""

from __future__ import annotations

from bot.context.candidates import MOST_CANDIDATES, snippets
from bot.context.chapters import Chapter, Contexts, Scene, read_contexts
from bot.context.fitting import fitted
from bot.context.quoted import shows_values

__all__ = ["MOST_CANDIDATES", "Chapter", "Contexts", "Scene", "fitted", "read_contexts", "shows_values", "snippets"]
