"""What is wrong with a `confusion.toml`, in words that name file, section, key and the word that is meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from bot.errors import KnowledgeError
from bot.library.written import EntryFile, FixTable

_TWO_BRACKETS = "A fix begins with [[fix]], in two brackets: there may be several."
#: What a key takes that was given something of another kind.
_SHAPES = {
    "string_type": 'it takes a text in quotes: {key} = "…"',
    "tuple_type": 'it takes a list: {key} = ["{given}"]',
    "bool_parsing": "it takes true or false",
    "bool_type": "it takes true or false",
    "dict_type": "it takes a table: {key}.en = … and {key}.zh = …, or a section [{key}]",
}


def check_words(seen: Any, words: frozenset[str], *, where: str) -> None:
    """Raises `KnowledgeError` for a word of `[seen]` that is not known, and names the one that is meant."""
    if not isinstance(seen, Mapping):
        raise KnowledgeError(f'{where}\n  any takes a list of tables, not takes a table: any = [{{ raises = "…" }}]')
    for word, value in seen.items():
        if word not in words:
            raise KnowledgeError(
                f'{where}\n  unknown word "{word}".{meant(word, words)}\n'
                f"  known words: {', '.join(sorted(words))}   (explained by: autograd-bot knowledge words)"
            )
        match word:
            case "any":
                for part in value if isinstance(value, list) else [value]:
                    check_words(part, words, where=where)
            case "not":
                check_words(value, words, where=where)


def meant(word: object, known: Iterable[str]) -> str:
    """ " Did you mean …?" with the nearest of the known words; nothing where none is near."""
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f' Did you mean "{near[0]}"?' if near else ""


def first_mistake(shown: str, raw: Mapping[str, Any], error: ValidationError) -> str:
    """The first thing to mend in a file of this name, of all that is wrong with its keys."""
    # A misspelt key is also a missing one; the misspelling is what to mend.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    loc, given = first["loc"], first["input"]
    if loc == ("fix",):
        return f"{shown}, [fix]\n  {_TWO_BRACKETS}"
    where, key = (shown, loc) if loc[0] != "fix" else (f"{shown}, [[fix]] {_fix_name(raw, loc)}", loc[2:])
    name = ".".join(str(part) for part in key if part != "[key]")
    match first["type"]:
        case "extra_forbidden":
            known = (
                list(EntryFile.model_fields)
                if where == shown
                else [f.alias or n for n, f in FixTable.model_fields.items()]
            )
            return f'{where}: unknown key "{name}".{meant(name, known)}\n  known keys: {", ".join(known)}'
        case "missing":
            return f'{where}: the key "{name}" is missing'
        case "enum":
            known = re.findall(r"'([^']+)'", str(first["ctx"]["expected"]))
            wrong = f'unknown key "{name}"' if loc[-1] == "[key]" else f'the key "{name}" cannot be "{given}"'
            return f"{where}: {wrong}.{meant(given, known)}\n  it is one of: {', '.join(known)}"
        case kind:
            wanted = _SHAPES.get(kind, first["msg"])
            return f'{where}: the key "{name}" cannot be {given!r}: {wanted.format(key=name, given=given)}'


def _fix_name(raw: Mapping[str, Any], loc: tuple[int | str, ...]) -> str:
    """The name of the fix that an error is about, else its number."""
    fix = raw["fix"][loc[1]]
    return str(fix.get("name", f"number {int(loc[1]) + 1}")) if isinstance(fix, dict) else f"number {int(loc[1]) + 1}"


def at_its_line(text: str, message: str) -> str:
    """What is wrong with a TOML file, with its section, the line, and what is mostly meant by such a line."""
    found = re.search(r"line (\d+)", message)
    if found is None:
        return message
    lines = text.splitlines()[: int(found[1])]
    section = next((line.strip() for line in reversed(lines[:-1]) if line.startswith("[")), "its head")
    line = lines[-1].strip() if lines else ""
    bare = re.fullmatch(r"([\w.]+)\s*=\s*([A-Za-z_$][\w.$()]*)\s*(?:#.*)?", line)
    remedy = f'\n  A text stands in quotes: {bare[1]} = "{bare[2]}"' if bare else ""
    if section == "[fix]":
        remedy = f"\n  {_TWO_BRACKETS}"
    return f"{message}, in {section}\n  {line}{remedy}"


def check_link(link: str, *, where: str) -> None:
    """Raises `KnowledgeError` for what a reply must not lead to."""
    if not re.fullmatch(r"https?://[\w.-]+(?::\d+)?(?:/[^\s<>()\"']*)?", link):
        raise KnowledgeError(
            f'{where}: the key "link" cannot be "{link}": it takes one page on the web, as in link = '
            '"https://docs.pytorch.org/docs/stable/notes/autograd.html"'
        )
