"""From values to HTML: the templates, and what every page shows around its own content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.domain.post import Language
from bot.web import code, markdown
from bot.web.guard import Visit

FOLDER = Path(__file__).parent
#: How long a chosen language is remembered, in seconds.
_REMEMBERED = 365 * 24 * 3600

#: Every key of the keyboard with the name of what it does, by the page it works on.
KEYS = {
    "everywhere": (("?", "help"), ("g", "queue")),
    "queue": (("j", "down"), ("k", "up"), ("Enter", "open"), ("/", "search"), ("u", "undo")),
    "draft": (
        ("a", "approve"),
        ("r", "reject"),
        ("e", "edit"),
        ("s", "skip"),
        ("c", "claim"),
        ("u", "undo"),
        ("h", "history"),
        ("1 2 3", "parts"),
    ),
    "edit": (("Ctrl Enter", "run"), ("Ctrl S", "save"), ("Esc", "back")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Static:
    """A file that pages load, and the name that changes with its content."""

    content: bytes
    kind: str
    version: str


def page(visit: Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    """The template as a page, in the visitor's language."""
    text = (
        _templates()
        .get_template(f"{template}.html")
        .render(
            visit=visit,
            t=visit.t,
            said=visit.said,
            each_said=visit.each_said,
            now=visit.now,
            site=visit.site,
            path=visit.request.url.path,
            here_in=lambda language: _here(visit, values.get("here"), language),
            **values,
        )
    )
    response = HTMLResponse(text, status_code=status)
    if (chosen := visit.request.query_params.get("lang")) in {language.value for language in Language}:
        response.set_cookie(
            "lang", chosen or "", max_age=_REMEMBERED, httponly=True, samesite="lax", secure=visit.site.secure
        )
    return response


def to(path: str) -> Response:
    """Send the browser to a page of ours with a GET."""
    return RedirectResponse(path, status_code=303)


def with_query(path: str, query: str) -> str:
    """The path with a query that may be empty."""
    return f"{path}?{query}" if query else path


@lru_cache(maxsize=1)
def static_files() -> Mapping[str, Static]:
    """The stylesheet, the script and the icon. Nothing else is served from the disk."""
    kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    return {
        file.name: Static(
            content=file.read_bytes(),
            kind=kinds[file.suffix],
            version=hashlib.sha256(file.read_bytes()).hexdigest()[:12],
        )
        for file in sorted((FOLDER / "static").iterdir())
        if file.suffix in kinds
    }


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "age": age,
        "moment": moment,
        "markdown": markdown.html,
        "visible": code.visible,
        "ticked": code.ticked,
    }
    environment.globals |= {"asset": _asset, "keys": KEYS, "query": _query}
    return environment


def age(then: datetime, now: datetime) -> tuple[str, int]:
    """How long ago, in the largest unit that says enough, and so many of it."""
    seconds = max(int((now - then).total_seconds()), 0)
    if seconds < 3600:
        return "minutes", seconds // 60
    return ("hours", seconds // 3600) if seconds < 48 * 3600 else ("days", seconds // 86400)


def moment(then: datetime) -> str:
    """A point in time, to the second."""
    return f"{then:%Y-%m-%d %H:%M:%S} UTC"


def _here(visit: Visit, path: object, language: str) -> str:
    """This page in another language. Where a form led here, `path` is the page that can be asked for again."""
    if isinstance(path, str):
        return _query(path, lang=language)
    kept = [(name, value) for name, value in visit.request.query_params.multi_items() if name not in ("lang", "done")]
    return with_query(visit.request.url.path, urlencode([*kept, ("lang", language)]))


def _asset(name: str) -> str:
    return f"/static/{name}?v={static_files()[name].version}"


def _query(path: str, **values: object) -> str:
    return with_query(path, urlencode({name: value for name, value in values.items() if value not in (None, "")}))
