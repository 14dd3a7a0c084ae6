"""Puts back the asterisks that Markdown took for emphasis: `xx` was `x*x`, `2x` was `2*x`, `x3` was `x**3`."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Set
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<string>[rbfuRBFU]{0,2}(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))
    | (?P<comment>\#.*)
    | (?P<number>0[xXbBoO]\w+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<space>\s+)
    | (?P<sign>\*\*|[-+*/%@]?=|.)
    """,
    re.VERBOSE,
)

_MAY_LACK = re.compile(r"\b\d[\d_.]*[A-Za-z_(]|[)\]][\w(]")
_NAMES = re.compile(r"[A-Za-z_]\w*")

#: Short names by which everybody calls a module: with an attribute behind them they are no product.
_MODULES = frozenset({
    "nn", "np", "pd", "plt", "mpl", "sns", "tf", "th", "os", "sys", "re", "optim", "torch", "numpy", "d2l", "math",
    "time", "copy", "json", "jnp", "jax", "cv2", "sp", "sk", "pl"
})  # fmt: skip

#: Words that mean something whatever the letters in them are: `in` is no i*n, `int` no i*n*t.
_WORDS = frozenset((*keyword.kwlist, *dir(builtins)))

#: After a number these letters belong to it: 4L, 2j.
_NUMBER_SUFFIXES = frozenset("jJlL")


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """One place where an asterisk was put back."""

    original: str  #: "xx"
    restored: str  #: "x*x"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Token:
    kind: str
    text: str


def asterisks_restored(line: str, *, defined: Set[str], known: Set[str]) -> tuple[str, tuple[Restored, ...]]:
    """The line with its eaten asterisks, and what was put back.

    `defined` are names with a value before this line: only products of them are restored.
    `known` are all names that the program binds anywhere: none of them is ever split.
    """
    unknown = set(_NAMES.findall(line)) - known - defined
    if not _MAY_LACK.search(line) and all(_split(name, defined=defined, known=known) == name for name in unknown):
        return line, ()
    tokens = [_Token(kind=match.lastgroup or "sign", text=match.group()) for match in _TOKEN.finditer(line)]
    pieces: list[str] = []
    found: list[Restored] = []
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        text = token.text
        if token.kind == "name":
            product = _split(text, defined=defined, known=known)
            text = product if product != text and _is_read(tokens, index) and not _is_module(tokens, index) else text
        if before is not None and _product_lost(before, token, defined=defined):
            # People write 2*(x-1) and (x-1)**2, seldom the other way round.
            sign = "**" if token.text == "2" else "*"
            found.append(Restored(original=before.text + token.text, restored=f"{before.text}{sign}{text}"))
            text = sign + text
        elif text != token.text:
            found.append(Restored(original=token.text, restored=text))
        if after is not None and token.kind == "number" and after.text == "(":
            found.append(Restored(original=token.text + "(", restored=token.text + "*("))
            text += "*"
        pieces.append(text)
    return "".join(pieces), tuple(found)


def _product_lost(before: _Token, token: _Token, *, defined: Set[str]) -> bool:
    """Whether two things that touch can only have been factors: `2x`, `)3`, `)x`."""
    if before.kind == "number" and token.kind == "name":
        if token.text in _NUMBER_SUFFIXES and token.text not in defined:
            return False
        return token.text in defined or _split(token.text, defined=defined, known=frozenset()) != token.text
    if before.text in (")", "]") and token.kind in ("number", "name"):
        return token.kind == "number" or token.text in defined
    return False


def _is_read(tokens: list[_Token], index: int) -> bool:
    """Whether the name at `index` is a value that is read: no attribute, keyword, target or call."""
    before = next((token.text for token in reversed(tokens[:index]) if token.kind != "space"), "")
    after = next((token.text for token in tokens[index + 1 :] if token.kind != "space"), "")
    return before not in (".", "import", "from", "as", "def", "class", "for") and after not in ("=", "(", ":=")


def _numbered(stem: str, names: Set[str]) -> bool:
    """Whether the program counts its names: where there is an x1, x2 is the next one and no square."""
    return any(f"{stem}{digit}" in names for digit in range(10))


def _is_module(tokens: list[_Token], index: int) -> bool:
    """Whether the name at `index` can only be that of a module: `nn.Linear` where `n` is a number."""
    behind = [token.text for token in tokens[index + 1 : index + 3]]
    return tokens[index].text in _MODULES and behind[:1] == ["."] and behind[1:] != [] and behind[1].isidentifier()


def _split(name: str, *, defined: Set[str], known: Set[str]) -> str:
    """`name` as a power or as a product of two or three defined names, when there is only one way to read it so."""
    if name in known or name in defined or name in _WORDS or not 2 <= len(name) <= 24:
        return name
    if name[-1] in "23456789" and name[:-1] in defined and not _numbered(name[:-1], defined | known):
        return f"{name[:-1]}**{name[-1]}"
    ways = [
        f"{name[:cut]}*{name[cut:]}" for cut in range(1, len(name)) if name[:cut] in defined and name[cut:] in defined
    ]
    if not ways and len(name) == 3 and set(name) <= defined:
        ways = ["*".join(name)]
    return ways[0] if len(ways) == 1 else name
