"""What an admin tells about a new entry, and the files that it becomes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.diagnose.signals import WORDS
from bot.diagnose.view import called
from bot.domain.confusion import ConfusionKind, Place
from bot.domain.post import Language
from bot.domain.run import Run
from bot.errors import BadInput
from bot.library import FILE
from bot.repair.patterns import Pattern, filled, names_in
from bot.repair.toolkit import Program
from bot.source import parse

#: Calls worth naming in `error_line_calls`.
_TELLING = ("backward", "grad", "step", "numpy")


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """What an admin tells about a new entry."""

    name: str
    kind: ConfusionKind
    family: str
    title: Mapping[Language, str]
    explain: Mapping[Language, str]
    asked_as: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)
    link: str = "https://docs.pytorch.org/docs/stable/notes/autograd.html"
    failing: str | None = None  #: a program that goes wrong this way
    fixed: str | None = None  #: the same program, mended
    asked: Mapping[Language, str] = field(default_factory=dict)  #: a post that must be answered with it


@dataclass(frozen=True, kw_only=True)
class LineFix:
    """A fix that changes one line, as two programs show it."""

    replace: str
    with_: str
    where: Place
    names: Mapping[str, str]  #: what each $NAME was called in the program; empty: it is the very line

    def __str__(self) -> str:
        where = "on the line that fails" if self.where is Place.ERROR_LINE else "wherever it stands"
        said = f"`{self.replace}` becomes `{self.with_}`, {where}"
        stand = ", ".join(f"${name} for any expression in the place of {own}" for name, own in self.names.items())
        return f"{said}; {stand}" if stand else f"{said}, just as it is written here"


def files_of(sketch: Sketch, run: Run | None) -> dict[str, str]:
    """The files of a new entry by their place in its folder; `run` is what its failing program did.

    Raises `BadInput` when the program does not go wrong, or what mends it cannot be told.
    """
    texts = {FILE: _toml(sketch, run)}
    for language in Language:
        texts[f"explain.{language.value}.md"] = sketch.explain[language].strip() + "\n"
        if language in sketch.asked:
            texts[f"cases/first.asked.{language.value}.md"] = sketch.asked[language].strip() + "\n"
    for role, program in (("failing", sketch.failing), ("fixed", sketch.fixed)):
        if program is not None:
            texts[f"cases/first.{role}.py"] = program.rstrip() + "\n"
    return texts


def require_program(code: str, *, file: str) -> str:
    """The code as it is. Raises `BadInput`, with file and line, where it is no Python."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        raise BadInput(f"{file}, line {error.lineno}: it is no Python: {error.msg}.") from error
    except ValueError as error:
        raise BadInput(f"{file}: it is no Python: {error}.") from error
    if not code.strip():
        raise BadInput(f"{file} is empty.")
    return code


def seen_of(sketch_kind: ConfusionKind, failing: str | None, run: Run | None) -> list[str]:
    """What the failing program's run shows, as lines of `[seen]`. Raises `BadInput` when that is nothing."""
    if run is not None and run.error is not None:
        rows = [f"raises = {_text(run.error.type)}", f"message = [{_text(run.error.message.splitlines()[0][:120])}]"]
        call = _call_on(failing or "", run.error.line)
        return rows + ([f"error_line_calls = [{_text(call)}]"] if call else [])
    if run is not None and run.warnings:
        return [f"warns = [{_text(run.warnings[0].message.split('. ')[0][:120])}]"]
    if sketch_kind is ConfusionKind.QUESTION:
        return ["asks = true", 'ends = "finished"']
    raise BadInput("the failing program runs without an error or a warning, so it does not show the mistake.")


def line_fix(failing: str, fixed: str, run: Run | None) -> LineFix:
    """The one changed line as a fix; the program's own variables become $NAMES where that finds the same line.

    Raises `BadInput` when more than a line differs, or the line is not a statement of its own.
    """
    number, old, new = _changed_line(failing, fixed)
    failed_there = run is not None and run.error is not None and run.error.line == number
    where = Place.ERROR_LINE if failed_there else Place.WHOLE_PROGRAM
    names = _dollar_names(failing, old)
    general = LineFix(replace=_renamed(old, names), with_=_renamed(new, names), where=where, names=_turned(names))
    if names and _finds_only(general, Program(failing), number, new):
        return general
    return LineFix(replace=old, with_=new, where=where, names={})


def _toml(sketch: Sketch, run: Run | None) -> str:
    rows = [f"title.{language.value} = {_text(sketch.title[language])}" for language in Language]
    rows += ["", f"family = {_text(sketch.family)}", f'kind = "{sketch.kind.value}"', f"link = {_text(sketch.link)}"]
    rows += ["trial = true  # its drafts say that this kind of answer is new", ""]
    for language in Language:
        phrases = sketch.asked_as.get(language, ())
        rows.append(f"asked_as.{language.value} = [{', '.join(_text(phrase) for phrase in phrases)}]")
    rows += ["", "[seen]", *seen_of(sketch.kind, sketch.failing, run)]
    if sketch.failing and sketch.fixed:
        fix = line_fix(sketch.failing, sketch.fixed, run)
        rows += ["", "[[fix]]", 'name = "first"', f'where = "{fix.where.value}"']
        rows += [f"replace = {_text(fix.replace)}", f"with = {_text(fix.with_)}"]
    return "\n".join(rows) + "\n"


def _call_on(code: str, line: int | None) -> str | None:
    """The differentiation, step or conversion that a line calls."""
    for node in ast.walk(parse(code) or ast.Module(body=[], type_ignores=[])):
        if isinstance(node, ast.Call) and node.lineno == line and called(node) in _TELLING:
            return called(node)
    return None


def _changed_line(failing: str, fixed: str) -> tuple[int, str, str]:
    """The number of the one line that differs, and its statement before and after."""
    old, new = failing.rstrip().splitlines(), fixed.rstrip().splitlines()
    changed = [place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other]
    if len(old) != len(new) or len(changed) != 1:
        there = f"{len(changed)} lines differ" if len(old) == len(new) else f"one has {len(old)} lines, one {len(new)}"
        raise BadInput(f"the fixed program must differ from the failing one in exactly one line; {there}.")
    place = changed[0]
    return place + 1, _statement(failing, place + 1), _statement(fixed, place + 1)


def _statement(code: str, number: int) -> str:
    """The one statement that stands on a line. Raises `BadInput` when a part of one stands there, or several."""
    found = [
        node for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.stmt) and node.lineno == node.end_lineno == number
    ]  # fmt: skip
    if len(found) != 1:
        text = code.splitlines()[number - 1].strip()
        raise BadInput(f"line {number}, `{text}`, is not one whole statement; write the statement on one line.")
    return ast.get_source_segment(code, found[0]) or ""


def _dollar_names(code: str, statement: str) -> dict[str, str]:
    """For each variable of the program that a statement mentions, the name after the dollar that may stand for it."""
    variables = set(_variables(code))
    taken = frozenset(name for function in WORDS.values() for name in names_in(function.__doc__ or ""))
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(statement)):
        if isinstance(node, ast.Name) and node.id in variables and node.id not in found:
            plain = node.id.upper().strip("_")
            usable = plain if re.fullmatch(r"[A-Z][A-Z0-9_]*", plain) else "VALUE"
            # A $NAME that a word binds would have to be what the word means.
            usable = f"THE_{usable}" if usable in taken else usable
            found[node.id] = usable if usable not in found.values() else f"{usable}{len(found) + 1}"
    return found


def _variables(code: str) -> Iterator[str]:
    """The names that a program gives values to; not those of its functions, classes and modules."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg) and node.arg not in ("self", "cls"):
            yield node.arg


def _renamed(statement: str, names: Mapping[str, str]) -> str:
    """The statement with $NAMES for these variables, otherwise as it was written."""
    places = [node for node in ast.walk(ast.parse(statement)) if isinstance(node, ast.Name) and node.id in names]
    raw = statement.encode()
    for node in sorted(places, key=lambda node: node.col_offset, reverse=True):
        raw = raw[: node.col_offset] + f"${names[node.id]}".encode() + raw[node.end_col_offset :]
    return raw.decode()


def _turned(names: Mapping[str, str]) -> dict[str, str]:
    return {dollar: own for own, dollar in names.items()}


def _finds_only(fix: LineFix, program: Program, number: int, wanted: str) -> bool:
    """Whether the fix finds that line of the program and no other, and makes of it what was wanted."""
    lines = range(number, number + 1) if fix.where is Place.ERROR_LINE else None
    made = list(Pattern(fix.replace).matches(program, lines=lines, names={}))
    known = names_in(fix.with_) <= names_in(fix.replace)
    return known and len(made) == 1 and filled(fix.with_, program, made[0][1], {}) == wanted


def _text(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
