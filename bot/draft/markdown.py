"""Putting strangers' text into Markdown so that it stays text: no mention fires, no HTML lives, no quote is forged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping


def fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    body = text.strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def inline(text: str) -> str:
    """Inline code on one line, whatever backticks the text holds."""
    body = " ".join(text.split())[:160] or "…"
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    marks = "`" * (longest + 1)
    space = " " if body.startswith("`") or body.endswith("`") else ""
    return f"{marks}{space}{body}{space}{marks}"


_FACT = re.compile(r"\{([a-z_]+)\}")
#: A fact and the code right behind it, or a piece of inline code that may hold facts.
_PIECE = re.compile(r"\{(?P<name>[a-z_]+)\}(?:`(?P<behind>[^`\n]+)`)?|`(?P<code>[^`\n]+)`")


#: How a paragraph begins that is said in place of the one above, where that lacks a fact.
OR = "or:"


def with_facts(text: str, facts: Mapping[str, str]) -> str:
    """An explanation with its {facts} as inline code, counts plain; empty when there is no paragraph of which all are known.

    Of a paragraph and those below it that begin with `or:`, the first is said of which all facts are known, if there
    is one. Code right behind a fact joins it: {x}`.grad` → `x.grad`; a fact may also stand within code: `print({x})`.
    """
    wordings: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith(OR) and wordings:
            wordings[-1].append(paragraph.removeprefix(OR).strip())
        else:
            wordings.append([paragraph])
    said = (next((one for one in group if set(_FACT.findall(one)) <= facts.keys()), None) for group in wordings)
    return "\n\n".join(_filled(one, facts) for one in said if one is not None)


def _filled(text: str, facts: Mapping[str, str]) -> str:

    def filled(found: re.Match[str]) -> str:
        return facts[found[1]]

    def piece(found: re.Match[str]) -> str:
        if found["code"] is not None:
            return inline(_FACT.sub(filled, found["code"])) if _FACT.search(found["code"]) else found[0]
        value = facts[found["name"]] + (found["behind"] or "")
        return value if value.isdigit() else inline(value)

    return _PIECE.sub(piece, text)


_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a code block (its fences too)."""
    fence = ""
    for row in text.split("\n"):
        mark = row[: len(row) - len(row.lstrip("`"))]
        if not fence and len(mark) >= 3 and "`" not in row[len(mark) :]:
            fence = mark
            yield row, True
            continue
        yield row, bool(fence)
        if fence and row.strip() == fence:
            fence = ""


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The Markdown with its sentences changed; code blocks and inline code stay as they are, byte for byte."""

    def sentence(row: str) -> str:
        kept = [span[0] for span in _SPAN.finditer(row)]
        pieces = [change(piece) if piece else "" for piece in _SPAN.sub("\0", row).split("\0")]
        return "".join(piece + code for piece, code in zip(pieces, [*kept, ""], strict=True))

    return "\n".join(row if code else sentence(row.replace("\0", "\ufffd")) for row, code in lines(text))
