"""Python 2 and the torch of 2017 in today's spelling, where the meaning is the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PRINT = re.compile(r"^(?P<before>\s*(?:.*:\s+|.*;\s*)?)print\s+(?P<what>(?![=(]\s*$)[^=\s].*?)\s*(?P<comment>#.*)?$")
_PRINT_ALREADY = re.compile(r"^\s*print\s*\(.*\)\s*(?:#.*)?$")

# Spelling then, spelling now. Each keeps what the line does.
_SPELLINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bxrange\("), "range("),
    (re.compile(r"\braw_input\("), "input("),
    (re.compile(r"\basync=True"), "non_blocking=True"),
    (re.compile(r"\bretain_variables="), "retain_graph="),
    (re.compile(r"\b(\w*(?:loss|err|error|cost)\w*)\.data\[0\]"), r"\1.item()"),
    (re.compile(r"\bexcept (\w+), (\w+):"), r"except \1 as \2:"),
    (re.compile(r"(\bdataiter|\biter\([\w.]+\))\.next\(\)"), r"next(\1)"),
)


# A cheap look before the patterns.
_MAY_BE_OLD = re.compile(
    r"\bprint\s+[^=(]|\bprint\s*\(.*\)\s*[,%]|xrange|raw_input|async=|retain_variables|\.data\[0\]|\bexcept \w+,|\.next\(\)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Modernised:
    """A line in today's spelling."""

    text: str
    changes: tuple[tuple[str, str], ...] = ()  #: what stood there, what stands there now


def modernised(line: str) -> Modernised:
    """The line as Python 3 and torch 2 read it; unchanged when nothing in it is old."""
    if not _MAY_BE_OLD.search(line):
        return Modernised(text=line)
    changes: list[tuple[str, str]] = []
    if "print" in line and not _PRINT_ALREADY.match(line) and (match := _PRINT.match(line)):
        new = _print_call(match)
        changes.append((line.strip(), new.strip()))
        line = new
    for pattern, replacement in _SPELLINGS:
        for match in pattern.finditer(line):
            changes.append((match.group(), match.expand(replacement)))
        line = pattern.sub(replacement, line)
    return Modernised(text=line, changes=tuple(changes))


def _print_call(match: re.Match[str]) -> str:
    what = match["what"]
    newline = what.endswith(",")
    arguments = what.rstrip(",").rstrip() + (", end=' '" if newline else "")
    comment = f"  {match['comment']}" if match["comment"] else ""
    return f"{match['before']}print({arguments}){comment}"
