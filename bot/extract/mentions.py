"""Code that is named inside sentences: `y.backward()`, x.T, retain_graph=True."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from itertools import islice

from bot.extract.lines import LineKind, kind_of
from bot.extract.repair_text import mended
from bot.source import parses

_MOST_MENTIONS = 40
_MOST_LOOKED_AT = 120
_LONGEST_MENTION = 200

_LINK = re.compile(
    r"!?\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)|<?https?://(?:\([^\s()]{0,80}\)|[^\s>()\]，。])+>?|\bwww\.\S+|upload://\S+"
)
_MAY_NAME = re.compile(r"`|\w[.\[(]\w|\(\)|_\w+\s?=|（")
_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]{1,200})\1(?!`)")
_NAMED = re.compile(
    r"""(?<![\w.`/\\@-])
    (?P<code>
        [A-Za-z_]\w*(?:\[[^\[\]\s]{1,20}\])?
        (?:\.[A-Za-z_]\w*(?:\[[^\[\]\s]{1,20}\])?(?:\([^()\n]{0,80}\))?)+
      | [a-z_][\w]*_?\([^()\n]{0,60}\)
      | [a-z_]+_[a-z_]+\s?=\s?(?:True|False|None)
    )""",
    re.VERBOSE | re.ASCII,
)
_HAN = re.compile("[\u3400-\u9fff]")
_STRETCH = re.compile(r"[\x20-\x7e]{5,300}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][\w.]*\s*[-+*/]?=\s*[^=]")
_FILE_ENDINGS = frozenset(
    "py ipynb com org net html htm txt md io cn yml yaml json cpp h cu pdf png jpg jpeg gif zip gz pth pt pkl log "
    "sh cfg ini toml rst csv edu gov js".split()
)
_ATTRIBUTES = frozenset(
    "grad T data shape grad_fn requires_grad is_leaf dtype device size backward detach item numpy cpu cuda mT H "
    "retain_grad zero_grad step parameters zero_ requires_grad_ sum mean norm weight bias autograd no_grad "
    "float double long to clone reshape view t volatile saved_tensors state_dict named_parameters eval train".split()
)
_ABBREVIATIONS = frozenset({"w.r.t", "e.g", "i.e", "a.k.a", "s.t", "p.s"})
_MODULES = frozenset({"torch", "nn", "F", "np", "d2l", "optim", "plt", "Variable", "self", "ctx"})


def without_links(prose: str) -> str:
    """The sentences without addresses and pictures; the words of a link stay."""
    return _LINK.sub(lambda match: _link_words(match.group()), prose)


def mentions(prose: str, *, defined: Set[str]) -> tuple[str, ...]:
    """The code named in sentences without links, in order, each once. `defined` are names the post's code uses."""
    if not _MAY_NAME.search(prose):
        return ()
    found: list[tuple[int, str]] = []
    for match in islice(_SPAN.finditer(prose), _MOST_LOOKED_AT):
        code = mended(match[2].strip()).text
        if len(code) <= _LONGEST_MENTION and _worth_a_mention(code) and parses(code):
            found.append((match.start(), code))
    plain = _SPAN.sub(lambda match: " " * len(match.group()), prose)
    plain = plain.replace("（", "(").replace("）", ")").replace("＝", "=")
    assigned = list(islice(_assignments(plain), _MOST_LOOKED_AT)) if _HAN.search(plain) else []
    found.extend((start, code) for start, code in assigned)
    inside = {place for start, code in assigned for place in range(start, start + len(code))}
    for match in islice(_NAMED.finditer(plain), _MOST_LOOKED_AT):
        code = match["code"]
        if match.start() not in inside and _is_code(code, defined) and parses(code):
            found.append((match.start(), code))
    ordered = dict.fromkeys(code for _, code in sorted(found))
    return tuple(ordered)[:_MOST_MENTIONS]


def _assignments(plain: str) -> Iterator[tuple[int, str]]:
    """Assignments that stand between Chinese characters or commas, with their places."""
    for match in _STRETCH.finditer(plain):
        text = match.group().strip(" ,.;:")
        if _ASSIGNMENT.match(text) and kind_of(text) is LineKind.CODE:
            yield match.start() + match.group().index(text), text


def _worth_a_mention(code: str) -> bool:
    return not code.isdigit() and code.rsplit(".", 1)[-1].lower() not in _FILE_ENDINGS


def _is_code(code: str, defined: Set[str]) -> bool:
    """Whether dotted words are code and not a file, an address or two sentences without a space."""
    if code.lower() in _ABBREVIATIONS:
        return False
    base, _, rest = code.partition(".")
    if "(" in code:
        return "." in code or "_" in code or code.endswith("()") or base.split("(")[0] in defined
    if "=" in code:
        return True
    last = rest.rsplit(".", 1)[-1].split("[")[0]
    if last.lower() in _FILE_ENDINGS:
        return False
    return last in _ATTRIBUTES or base in _MODULES or base.split("[")[0] in defined


def _link_words(link: str) -> str:
    words = re.match(r"(?<!!)\[([^\]]*)\]", link)
    return f" {words.group(1)} " if words and not link.startswith("!") else " "
