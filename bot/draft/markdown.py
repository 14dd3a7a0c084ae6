"""Putting strangers' text into Markdown so that it stays text: no mention fires, no HTML lives, no quote is forged."""

from __future__ import annotations

import re


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


def with_facts(text: str, facts: dict[str, str]) -> str:
    """An explanation with its {facts} as inline code, counts and line numbers plain; code right behind a fact joins it: {x}`.grad` → `x.grad`."""

    def joined(found: re.Match[str]) -> str:
        name, behind = found["name"], found["behind"] or ""
        value = facts.get(name, "…") + behind
        return value if value.isdigit() else inline(value)

    return re.sub(r"\{(?P<name>[a-z_]+)\}(?:`(?P<behind>[^`\n]+)`)?", joined, text)
