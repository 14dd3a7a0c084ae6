"""An entry's own example, run: what a reply shows where there is no program of the asker's to mend."""

from __future__ import annotations

import re

from bot.diagnose import facts
from bot.diagnose.reported import same_error
from bot.domain.confusion import Case, Confusion
from bot.domain.diagnosis import Diagnosis
from bot.domain.post import Language
from bot.domain.run import Run
from bot.domain.snippet import QuotedError
from bot.draft import render
from bot.trials import Trials

_CALLED = re.compile(r"(\w+)\(")
#: Examples of one entry that are tried for a post that holds nothing to run.
MOST_EXAMPLES = 6


def example_of(
    entry: Confusion, reported: QuotedError | None, *, trials: Trials, like: Diagnosis | None = None, code: str = ""
) -> tuple[render.Example | None, dict[str, str]]:
    """One of the entry's examples, run, and the facts that its failing form shows: the shortest that stops with the
    error which the post quotes, else one of the same operation as what it is to be `like`, else the shortest that
    shows the facts which the explanation needs. One that calls what `code` calls, and other examples do not, counts as
    shorter."""
    best: tuple[tuple[bool, bool, bool], Case, Run, dict[str, str]] | None = None
    operation = like.names.get("MAKER") if like is not None else None
    for case in _examples(entry, code)[:MOST_EXAMPLES]:
        run = trials.run(case.text())
        found = trials.matcher.alone(entry, case.text(), run)
        told = facts.facts_of(entry, found, run, case.text()) if found is not None else {}
        alike = operation is None or (found is not None and found.names.get("MAKER") == operation)
        clear = found is not None and all(render.tells_the_cause(entry, language, told) for language in Language)
        fits = (same_error(reported, run) is True, alike, clear)
        if best is None or fits > best[0]:
            best = fits, case, run, told
        if fits == (reported is not None, True, True):
            break
    if best is None:
        return None, {}
    _, case, run, told = best
    fixed = entry.case(case.name, "fixed")
    if fixed is None:
        return render.Example(code=case.text(), run=run), told
    right = fixed.text()
    return render.Example(code=right, run=trials.run(right), wrong=case.text(), wrong_run=run), told


def _examples(entry: Confusion, code: str) -> list[Case]:
    """The programs of an entry that show its confusion: those with a fixed form first, then those that call most of what
    the post's code calls and not all of them do, then the short ones."""
    cases = [case for case in entry.cases if case.role in ("failing", "shown")]
    texts = {case: case.text() for case in cases}
    calls = {case: set(_CALLED.findall(text)) for case, text in texts.items()}
    usual = set.intersection(*calls.values()) if calls else set()
    asked = set(_CALLED.findall(code)) - usual

    def order(case: Case) -> tuple[bool, int, int, str]:
        return entry.case(case.name, "fixed") is None, -len(asked & calls[case]), len(texts[case]), case.name

    return sorted(cases, key=order)
