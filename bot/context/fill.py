"""Gives the names that a program lacks a value: from the thread, the chapter, imports, stand-ins."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.context.chapters import Chapter
from bot.context.data import stand_in_for
from bot.context.imports import added_import, import_of, is_guessed
from bot.context.program import ADDED, Line, Program, lines_of, statements
from bot.context.slices import slice_for
from bot.domain.snippet import Assumption, AssumptionKind, Origin
from bot.source import Use, asterisks_restored, bound_names, undefined_names

_ROUNDS = 8

#: Plain numbers that programs of every course use under these names; their value decides nothing.
_CONSTANTS = {
    "lr": "0.03", "learning_rate": "0.03", "num_epochs": "3", "n_epochs": "3", "epochs": "3", "EPOCHS": "3",
    "batch_size": "10", "BATCH_SIZE": "10", "eps": "1e-7", "EPS": "1e-7", "seed": "0",
    "device": 'torch.device("cpu")', "DEVICE": 'torch.device("cpu")',
}  # fmt: skip


#: A program of these alone shows nothing when it runs.
_WITHOUT_EFFECT = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Code that may define what is missing."""

    program: Program
    name: str  #: "post 12", "chapter autograd"
    kind: AssumptionKind


def completed(program: Program, *, sources: Sequence[Source]) -> Program:
    """The program with as many of its missing names filled as can be, sources tried in their order.

    What still lacks a name afterwards is for `runnable` to judge.
    """
    program = _with_products(program, sources)
    imports: tuple[Line, ...] = ()
    filled: tuple[Line, ...] = ()
    for _ in range(_ROUNDS):
        whole = program.before((*imports, *filled))
        tree = whole.tree
        found = next(
            (lines for use in (undefined_names(tree) if tree else ()) if (lines := _filling(whole, use, sources))), ()
        )
        if not found:
            return whole
        if any(note.kind is AssumptionKind.ADDED_IMPORT for note in found[0].notes):
            imports = (*imports, *found)
            # A class may be the asker's own: then what the program does with torch's says nothing.
            program = replace(program, invented=program.invented or is_guessed(found[0].text))
        else:
            filled = (*found, *filled)
    return program.before((*imports, *filled))


def runnable(program: Program) -> Program | None:
    """The program up to the first statement that cannot run for want of a name, or None when too little is left.

    Too little: nothing of torch's gradients is asked for before that statement.
    """
    tree = program.tree
    if tree is None or all(isinstance(statement, _WITHOUT_EFFECT) for statement in tree.body):
        return None
    lacking = [use for use in undefined_names(tree) if not use.deferred]
    if not lacking:
        return program
    if program.whole:
        return None
    first = min(lacking, key=lambda use: use.line)
    kept: list[Line] = []
    for _, lines in statements(program):
        if len(kept) + len(lines) >= first.line:
            break
        kept.extend(lines)
    shorter = replace(program, lines=tuple(kept))
    if not kept or not asks_for_gradients(shorter):
        return None
    note = Assumption(
        kind=AssumptionKind.LEFT_OUT,
        text=f"left out from line {first.line} on: nobody says what {first.name} is",
        original=first.name,
    )
    return replace(shorter, notes=(*shorter.notes, note))


def asks_for_gradients(program: Program) -> bool:
    """Whether the program calls backward or grad somewhere outside of strings and comments."""
    tree = program.tree
    return tree is not None and any(
        isinstance(node, ast.Attribute) and node.attr in ("backward", "grad", "step", "requires_grad_")
        for node in ast.walk(tree)
    )


def _filling(program: Program, use: Use, sources: Sequence[Source]) -> tuple[Line, ...]:
    """Lines that give a missing name its value, from the first place that has one."""
    imported = import_of(use.name, program.code)
    if imported is not None and (use.name != "data" or "data." in program.code):
        return added_import(use.name, imported)
    if (moved := _from_later(program, use)) is not None:
        return moved
    for source in sources:
        lines = slice_for(source.program, [use.name], backward=_reads_gradient(program))
        if lines:
            return _noted(lines, use.name, source)
    if use.name in _CONSTANTS:
        return _constant(use.name)
    return stand_in_for(use.name, program) if not use.deferred else ()


def _from_later(program: Program, use: Use) -> tuple[Line, ...] | None:
    """The definition of a function, class or import that the post shows below its first use, copied up."""
    for statement, lines in statements(program):
        late = statement.lineno > use.line and use.name in bound_names(statement)
        if late and isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            return lines
    return None


def _reads_gradient(program: Program) -> bool:
    """The program reads `.grad` and nowhere asks for one."""
    tree = program.tree
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} if tree else set()
    return "grad" in attributes and "backward" not in attributes


def _noted(lines: tuple[Line, ...], name: str, source: Source) -> tuple[Line, ...]:
    note = Assumption(kind=source.kind, text=f"{name} is taken from {source.name}", restored=name)
    first, *rest = lines
    return (replace(first, notes=(*first.notes, note)), *rest)


def _constant(name: str) -> tuple[Line, ...]:
    text = f"{name} = {_CONSTANTS[name]}"
    note = Assumption(kind=AssumptionKind.STAND_IN, text=f"nobody says what {name} is: {text}", restored=text)
    return (Line(text, ADDED, (note,)),)


def _with_products(program: Program, sources: Sequence[Source]) -> Program:
    """Eaten asterisks whose factors only the sources define."""
    tree = program.tree
    if tree is None:
        return program
    missing = {use.name for use in undefined_names(tree)}
    if not missing:
        return program
    defined = set(bound_names(tree))
    for source in sources:
        defined |= bound_names(source.program.tree) if source.program.tree is not None else set()
    known = frozenset(defined) | {name for name in missing if import_of(name, program.code)}
    lines = []
    for line in program.lines:
        if line.origin.source == ADDED.source:
            lines.append(line)
            continue
        text, found = asterisks_restored(line.text, defined=defined, known=known)
        notes = tuple(
            Assumption(
                kind=AssumptionKind.RESTORED_CHARACTER,
                text=f"{entry.original} read as {entry.restored}",
                original=entry.original,
                restored=entry.restored,
            )
            for entry in found
        )
        lines.append(replace(line, text=text, notes=(*line.notes, *notes)))
    return replace(program, lines=tuple(lines))


def chapter_source(chapter: Chapter) -> Source | None:
    """The chapter's definitions as a source of names."""
    if not chapter.definitions:
        return None
    return Source(
        program=Program(lines=lines_of(chapter.definitions, source=f"chapter {chapter.name}"), own=False),
        name=f"chapter {chapter.name}",
        kind=AssumptionKind.FROM_CHAPTER,
    )


def post_origin(number: int) -> str:
    """How a post is named as a source of lines."""
    return f"post {number}"


def mention_line(code: str, *, post: int) -> Line:
    """A line for code that a sentence of the post names."""
    note = Assumption(
        kind=AssumptionKind.FROM_MENTION,
        text=f"{code.strip()} is named in the post, not shown as code",
        restored=code.strip(),
    )
    return Line(code, Origin(source=post_origin(post)), (note,))
