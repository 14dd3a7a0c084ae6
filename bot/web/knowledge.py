"""The knowledge base as a book: what each entry says, its examples, and how its drafts have fared."""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, Response

from bot import learn
from bot.domain.confusion import Case, Confusion, Ruling
from bot.domain.draft import DraftState
from bot.errors import NotFound
from bot.learn import Record
from bot.store import queue, rulings
from bot.store.engine import Connection
from bot.store.rulings import Ruled
from bot.web import code, words
from bot.web.guard import Visiting, allowed
from bot.web.pages import page
from bot.web.sessions import Role

router = APIRouter()

_GAP = re.compile(r"\{([a-z_]+)\}")
_OTHER_WORDING = re.compile(r"^or: *", re.MULTILINE)


@router.get("/knowledge", response_class=HTMLResponse)
@allowed(Role.READER)
def contents(visit: Visiting) -> Response:
    """All entries by family, each with its record."""
    with visit.site.store.reading() as connection:
        records = {record.confusion: record for record in learn.records(connection)}
        waiting = queue.counts_by_confusion(connection, DraftState.PENDING)
        retired = _retired(connection)
    entries = sorted(visit.site.library, key=lambda entry: (entry.family, entry.name))
    families = [(family, list(group)) for family, group in groupby(entries, key=lambda entry: entry.family)]
    return page(
        visit,
        "knowledge",
        families=families,
        records=records,
        waiting=waiting,
        retired=retired,
        nothing=Record(confusion=""),
    )


@router.get("/knowledge/{name}", response_class=HTMLResponse)
@allowed(Role.READER)
def chapter(visit: Visiting, name: Annotated[str, Path(max_length=100)]) -> Response:
    """One entry: the explanation in both languages, what shows it, its fixes and its examples."""
    entry = next((entry for entry in visit.site.library if entry.name == name), None)
    if entry is None:
        raise NotFound(f"There is no entry {name!r} in the knowledge base.")
    with visit.site.store.reading() as connection:
        record = _record(connection, name)
        retired = _retired(connection).get(name)
    cases = [(case, text) for case in entry.cases if (text := _text(case)) is not None]
    return page(
        visit,
        "entry",
        entry=entry,
        explanation=[part.strip() for part in _readable(entry, visit).split("\n---\n")],
        seen=json.dumps(dict(entry.seen), indent=2, ensure_ascii=False, default=str),
        programs=[(case, code.lines(text)) for case, text in cases if case.path.suffix == ".py"],
        posts=[(case, text) for case, text in cases if case.path.suffix == ".md"],
        record=record,
        retired=retired,
        examples=_pairs(dict(cases)),
    )


def _retired(connection: Connection) -> dict[str, Ruled]:
    """The entries that no new post is answered with, and who decided so."""
    return {name: one for name, one in rulings.current(connection).items() if one.ruling is Ruling.RETIRED}


def _record(connection: Connection, name: str) -> Record:
    return next((record for record in learn.records(connection) if record.confusion == name), Record(confusion=name))


def _readable(entry: Confusion, visit: Visiting) -> str:
    """The explanation with its {facts} as code, since no program fills them here, and all its wordings."""
    text = _OTHER_WORDING.sub(words.catalogue(visit.language)["knowledge.or"], entry.explain[visit.language])
    return _GAP.sub(lambda gap: f"`{gap[1]}`", text).replace("``", "")


def _text(case: Case) -> str | None:
    """The case's text; None when the file went away since the entry was read."""
    try:
        return case.text()
    except OSError:
        return None


def _pairs(texts: dict[Case, str]) -> list[tuple[Case, list[code.DiffRow]]]:
    """Each failing program, and what its fixed form changes."""
    fixed = {case.name: text for case, text in texts.items() if case.role == "fixed"}
    return [
        (case, code.diff(text, fixed[case.name]))
        for case, text in texts.items()
        if case.role == "failing" and case.name in fixed
    ]
