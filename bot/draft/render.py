"""The reply: the cause in a sentence or two, the corrected code with what it really printed, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from bot import chinese
from bot.domain.confusion import Confusion, ConfusionKind
from bot.domain.diagnosis import Diagnosis, Proof, Repair
from bot.domain.post import Language
from bot.domain.run import Run
from bot.domain.snippet import Assumption, AssumptionKind, QuotedError, Snippet
from bot.draft import markdown

#: Most lines of output that a reply shows, and most characters of each.
MOST_LINES = 24
LONGEST_LINE = 200
#: What an object that has nothing to say of itself shows: where in memory it lies.
_OBJECT = re.compile(r"<[^<>\n]* at 0x[0-9a-f]+>")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+\b")
#: A line that speaks of a GPU.
_GPU = re.compile(r"^[^#]*\b(?:cuda|mps)\b")
#: What Python says of a module that is not there.
_MISSING = re.compile(r"No module named '([\w.]+)'")
#: A call that is made for what it does to a tensor: `x.requires_grad_(True)`.
_IN_PLACE = re.compile(r"[\w\])]\.[a-z]\w*[a-z]_\(.*\)$")


@dataclass(frozen=True, kw_only=True)
class Example:
    """The entry's own small program, done right, and what it printed when it was run just now.

    `wrong` is the same program with the mistake in it, where there is such a one.
    """

    code: str
    run: Run
    wrong: str | None = None
    wrong_run: Run | None = None


@dataclass(frozen=True, kw_only=True)
class Further:
    """Another confusion that the asker's program holds: its title, the code of its line, whether the repair mends it too."""

    title: Mapping[Language, str]
    code: str
    mended: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything a reply may speak of.

    `before` is a run that shows the confusion; `tried` one of the asker's code that does not, where only the
    words of the post speak for it.
    """

    language: Language
    entry: Confusion
    diagnosis: Diagnosis
    facts: Mapping[str, str] = field(default_factory=dict)
    snippet: Snippet | None = None
    before: Run | None = None
    tried: Run | None = None
    reported: QuotedError | None = None
    repair: Repair | None = None
    after: Run | None = None
    proof: Proof | None = None
    further: tuple[Further, ...] = ()
    example: Example | None = None
    link: bool = True
    traditional: bool = False  #: a Chinese reply is to be in traditional characters


def tells_the_cause(entry: Confusion, language: Language, facts: Mapping[str, str]) -> bool:
    """Whether these facts are enough for the first sentences of an entry's explanation."""
    return bool(markdown.with_facts(entry.explain[language].partition("\n---\n")[0], facts))


def reply(evidence: Evidence) -> str:
    """The reply as Markdown in the asker's language; everything a stranger wrote is fenced or inline code."""
    cause, _, why = evidence.entry.explain[evidence.language].partition("\n---\n")
    facts = dict(evidence.facts)
    shown = evidence.repair if evidence.proof is not None and evidence.proof.holds else None
    run = evidence.after if shown is not None else evidence.before
    code = shown.code if shown is not None else evidence.snippet.code if evidence.snippet else ""
    text = _templates().get_template(f"reply.{evidence.language.value}.md.j2").render(
        cause=markdown.with_facts(cause.strip(), facts),
        why=markdown.with_facts(why.strip(), facts),
        code=shown.code if shown is not None else None,
        own=evidence.snippet is None or evidence.snippet.own,
        further=_further(evidence),
        output=output_of(code, run) if run is not None else "",
        question=evidence.entry.kind is ConfusionKind.QUESTION and shown is None and evidence.before is not None,
        asked_program=evidence.snippet.code if evidence.snippet is not None else "",
        example=_example(evidence.example),
        ran=evidence.before is not None,
        tried=_tried(evidence.tried, same=evidence.diagnosis.ran or evidence.diagnosis.same_error is True),
        not_reproduced=_not_reproduced(evidence),
        assumptions=_assumptions(evidence.snippet),
        gradient=evidence.proof.gradient.yes if evidence.proof is not None else False,
        torch=_release(run),
        link=evidence.entry.link if evidence.link else None,
        trial=evidence.entry.trial,
        shortened=_shortened(run or evidence.tried),
    )  # fmt: skip
    return _written(text, traditional=evidence.traditional)


def request(
    language: Language, *, reported: QuotedError | None = None, picture: bool = False, traditional: bool = False
) -> str:
    """A short reply that asks for the code as text; `picture` says that the post shows it in a picture alone."""
    quoted = reported.message.strip().splitlines()[0] if reported is not None and reported.message.strip() else None
    template = _templates().get_template(f"request.{language.value}.md.j2")
    return _written(template.render(picture=picture, quoted=quoted), traditional=traditional)


def output_of(code: str, run: Run) -> str:
    """What a run printed and what its expressions showed, in the order of their lines, as a notebook would.

    What says where in memory a thing lies does not say it here. A program that shows nothing is spoken for by the
    gradients its names hold at the end.
    """
    lines = code.split("\n")
    rows = [(echo.line, 0, echo.text.rstrip("\n")) for echo in run.prints]
    for echo in run.echoes:
        source = lines[echo.line - 1].split("#")[0].strip() if 0 < echo.line <= len(lines) else ""
        if not _says_nothing(echo.text) and not _IN_PLACE.search(source):
            rows.append((echo.line, 1, f">>> {source}\n{echo.text}" if source else echo.text))
    text = _ADDRESS.sub("", "\n".join(row for _, _, row in sorted(rows, key=lambda row: row[:2]) if row))
    if not text and run.tape is not None:
        held = [f">>> {final.name}.grad\n{final.grad}" for final in run.tape.finals if final.grad is not None]
        text = "\n".join(held[:3])
    shown = text.split("\n") if text else []
    return "\n".join([*map(_short, shown[:MOST_LINES]), *(["…"] if len(shown) > MOST_LINES else [])])


def _says_nothing(text: str) -> bool:
    """Whether a value shows nothing but objects and where they lie, be it in a list."""
    return bool(_OBJECT.search(text)) and not re.search(r"\w", _OBJECT.sub("", text))


def _short(row: str) -> str:
    return row if len(row) <= LONGEST_LINE else row[: LONGEST_LINE - 1] + "…"


def _example(example: Example | None) -> dict[str, Any] | None:
    if example is None:
        return None
    return {
        "code": example.code,
        "output": output_of(example.code, example.run),
        "torch": _release(example.run),
        "error": None,
        "wrong": _wrong(example.wrong, example.wrong_run),
    }


def _wrong(code: str | None, run: Run | None) -> dict[str, Any] | None:
    """The program with the mistake in it: its code, what it showed, and the error that it stopped with."""
    if code is None or run is None:
        return None
    error = run.error
    return {
        "code": code,
        "output": output_of(code, run) if error is None else "",
        "line": error.line if error is not None else None,
        "error": _short(error.said.strip().split("\n")[0]) if error is not None else None,
    }


def _release(run: Run | None) -> str:
    """The release of torch that ran, without its build: "2.13.0"."""
    version = run.torch_version if run is not None else None
    return version.split("+")[0] if version else "?"


def _shortened(run: Run | None) -> bool:
    return run is not None and run.ran and run.passes is not None


def _tried(run: Run | None, *, same: bool) -> dict[str, Any] | None:
    """How the asker's own program ended, where its run did not tell the cause; `same`: with the error that is quoted.

    A program that lacks something here did not run: that is no fault of it.
    """
    if run is None:
        return None
    module = _MISSING.search(run.error.said) if run.error is not None else None
    return {
        "ran": run.ran and module is None,
        "same": same,
        "raised": run.error.said if run.error else None,
        "module": module[1] if module is not None else None,
        "reason": run.reason,
    }


def _not_reproduced(evidence: Evidence) -> dict[str, Any] | None:
    """What the code really did, when the error that the post quotes did not occur."""
    before, reported = evidence.before, evidence.reported
    if before is None or reported is None or evidence.diagnosis.same_error is not False:
        return None
    held = [
        (final.name, " ".join((final.grad or "").split()).replace("[ ", "["))
        for final in (before.tape.finals if before.tape else ())
        if final.grad is not None
    ]
    return {
        "raised": before.error.said if before.error else None,
        "left": [{"name": f"{name}.grad", "value": value} for name, value in held[:2]],
        "torch": _release(before),
    }


def _further(evidence: Evidence) -> dict[str, list[dict[str, str]]]:
    """The other confusions of the program: those that the repair mends with the first one, and those that are left."""

    def told(*, mended: bool) -> list[dict[str, str]]:
        those = (one for one in evidence.further if one.mended is mended)
        return [{"title": one.title[evidence.language], "code": one.code} for one in those]

    return {"mended": told(mended=True), "left": told(mended=False)}


def _assumptions(snippet: Snippet | None) -> dict[str, Any]:
    """The assumptions that matter to the asker: restored characters, borrowed code, stand-ins, the CPU for a GPU."""
    found: tuple[Assumption, ...] = snippet.assumptions if snippet is not None else ()
    restored = {
        (one.original, one.restored): None
        for one in found
        if one.kind is AssumptionKind.RESTORED_CHARACTER and one.original and one.restored and "*" in one.restored
    }
    kinds = {one.kind for one in found}
    return {
        "restored": [{"from": original, "to": new} for original, new in list(restored)[:4]],
        "chapter": AssumptionKind.FROM_CHAPTER in kinds,
        "post": AssumptionKind.FROM_POST in kinds,
        "stand_in": AssumptionKind.STAND_IN in kinds,
        "cpu": any(one.kind is AssumptionKind.SUBSTITUTED and _GPU.search(one.original or "") for one in found),
    }


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, where HTML escapes would show; strangers' text is fenced instead
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["fenced"] = markdown.fenced
    environment.filters["inline"] = markdown.inline
    return environment


def _written(text: str, *, traditional: bool) -> str:
    """The reply as it is kept: tidy, and its sentences in the orthography of the asker."""
    tidy = _tidy(text)
    return markdown.outside_code(tidy, chinese.traditional) if traditional else tidy


def _tidy(text: str) -> str:
    """One blank line between paragraphs, none at the ends; code blocks are left alone."""
    rows: list[str] = []
    for row, code in markdown.lines(text.strip()):
        if code or row.strip() or (rows and rows[-1].strip()):
            rows.append(row if code else row.rstrip())
    return "\n".join(rows) + "\n"
