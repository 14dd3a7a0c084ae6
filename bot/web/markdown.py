"""Strangers' Markdown as HTML that can do nothing: about as the forum shows it.

HTML in the text stays text, images become links (nothing is loaded from elsewhere), links lead to web
addresses only, comments that the forum would hide are shown, and what comes out is cleaned once more
against a list of what may be there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markupsafe import Markup

from bot.web import code

_TAGS = set(
    "a b blockquote br cite code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i kbd li ol p pre s span strong"
    " sub summary sup table tbody td th thead tr u ul".split()
)
_ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "pre": {"class"}, "span": {"class"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
#: After so many marks without an end no more ends are looked for: each search reads the rest of the text.
_MOST_UNCLOSED = 20
_UNCLOSED = "unclosed"
_OPEN = re.compile(r"^\[(details|quote|code)(?:=(?P<about>[^\]\n]*))?\][ \t]*$")


def html(text: str) -> Markup:
    """The text as HTML that is safe to put into a page."""
    rendered = _parser().render(code.visible(text))
    clean = nh3.clean(
        rendered,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener noreferrer ugc",
        set_tag_attribute_values={"pre": {"tabindex": "0"}},  # code that is wider than the page scrolls by keys too
    )
    return Markup(clean)  # noqa: S704 - cleaned in the line above


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _highlighted})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _leads_to_the_web  # type: ignore[method-assign]
    parser.block.ruler.before("fence", "bbcode", _bbcode, {"alt": ["paragraph", "blockquote", "list"]})
    parser.add_render_rule("image", _image)
    return parser


def _leads_to_the_web(url: str) -> bool:
    # Relative links would lead into our own pages.
    return re.match(r"(https?://|mailto:)", url.strip(), re.IGNORECASE) is not None


def _highlighted(text: str, language: str, _attributes: str) -> str:
    return code.highlighted(text, language)


def _image(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    token = tokens[index]
    source, name = str(token.attrs.get("src", "")), token.content.split("|")[0]
    shown = f"[image{': ' if name else ''}{escapeHtml(name)}]"
    return f'<a href="{escapeHtml(source)}">{shown}</a>' if _leads_to_the_web(source) else shown


def _bbcode(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`[details="…"]`, `[quote="…"]` and `[code]` on lines of their own, as Discourse writes them."""
    found = _OPEN.match(_line(state, start))
    if found is None or state.is_code_block(start) or state.env.get(_UNCLOSED, 0) >= _MOST_UNCLOSED:
        return False
    name, about = found[1], (found["about"] or "").strip("\"'")
    close = _closing(state, name, start, end)
    if close is None:
        state.env[_UNCLOSED] = state.env.get(_UNCLOSED, 0) + 1
        return False
    if silent:
        return True
    if name == "code":
        fence = state.push("fence", "code", 0)
        fence.content = state.getLines(start + 1, close, state.blkIndent, True)
        fence.info = about
    else:
        _wrapped(state, name, about, start, close)
    state.line = close + 1
    return True


def _wrapped(state: StateBlock, name: str, about: str, start: int, close: int) -> None:
    tag, title = ("details", "summary") if name == "details" else ("blockquote", "cite")
    state.push(f"{name}_open", tag, 1).block = True
    if about or name == "details":
        state.push("title_open", title, 1)
        words = state.push("inline", "", 0)
        words.content, words.children = "", []
        text = Token("text", "", 0)
        text.content = about.split(",")[0] if name == "quote" else about or "…"
        words.children.append(text)
        state.push("title_close", title, -1)
    old_end, old_parent = state.lineMax, state.parentType
    state.lineMax, state.parentType = close, "blockquote"
    state.md.block.tokenize(state, start + 1, close)
    state.lineMax, state.parentType = old_end, old_parent
    state.push(f"{name}_close", tag, -1).block = True


def _closing(state: StateBlock, name: str, start: int, end: int) -> int | None:
    """The line of the matching end; what stands in code fences does not count."""
    depth, fence = 1, ""
    for number in range(start + 1, end):
        line = _line(state, number)
        if fence:
            fence = "" if line.startswith(fence) else fence
        elif line.startswith(("```", "~~~")) and name != "code":
            fence = line[:3]
        elif line.rstrip() == f"[/{name}]":
            depth -= 1
            if depth == 0:
                return number
        elif (found := _OPEN.match(line)) and found[1] == name:
            depth += 1
    return None


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
