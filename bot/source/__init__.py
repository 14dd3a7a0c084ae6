"""What a piece of Python text defines, uses and lacks. Nothing is run here."""

from __future__ import annotations

from bot.source.asterisks import Restored, asterisks_restored
from bot.source.names import Use, bound_names, names_bound_by, undefined_names
from bot.source.parsing import LONGEST_LINE, parse, parses, statement_lines

__all__ = [
    "LONGEST_LINE",
    "Restored",
    "Use",
    "asterisks_restored",
    "bound_names",
    "names_bound_by",
    "parse",
    "parses",
    "statement_lines",
    "undefined_names",
]
