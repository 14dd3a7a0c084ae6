"""A program under assembly: its lines, where each comes from, and what was assumed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.domain.snippet import Assumption, AssumptionKind, CodeBlock, Origin, Snippet
from bot.source import parse, statement_lines

ADDED = Origin(source="added")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a program and where it comes from."""

    text: str
    origin: Origin
    notes: tuple[Assumption, ...] = ()  #: what was assumed about this line

    def rewritten(self, text: str, *, told: str) -> Line:
        """The line with another text, which `told` puts on record; the line itself where that is no other text."""
        if text == self.text:
            return self
        note = Assumption(kind=AssumptionKind.SUBSTITUTED, text=told, original=self.text.strip(), restored=text.strip())
        return replace(self, text=text, notes=(*self.notes, note))


@dataclass(frozen=True, slots=True)
class Program:
    """Lines that together are a program."""

    lines: tuple[Line, ...]
    notes: tuple[Assumption, ...] = ()  #: what was assumed about no line in particular
    own: bool = True
    scene: str | None = None
    whole: bool = False  #: of no use when a part of it cannot run
    doubtful: bool = False  #: not the likeliest reading of the post
    invented: bool = False  #: parts that do something are ours

    @property
    def code(self) -> str:
        """The program as text, without a final newline."""
        return "\n".join(line.text for line in self.lines)

    @property
    def tree(self) -> ast.Module | None:
        """Its syntax tree, or None when it is no valid Python."""
        return parse(self.code)

    def before(self, lines: Iterable[Line]) -> Program:
        """The program with lines put before it."""
        return replace(self, lines=(*lines, *self.lines))

    def after(self, lines: Iterable[Line]) -> Program:
        """The program with lines put behind it."""
        return replace(self, lines=(*self.lines, *lines))

    def snippet(self) -> Snippet:
        """The finished program."""
        told = [replace(note, line=number) for number, line in enumerate(self.lines, start=1) for note in line.notes]
        return Snippet(
            code=self.code + "\n",
            origins=tuple(line.origin for line in self.lines),
            assumptions=(*told, *(replace(note, line=None) for note in self.notes)),
            own=self.own,
            scene=self.scene,
            doubtful=self.doubtful,
            invented=self.invented,
        )


def program_of(blocks: Sequence[CodeBlock], *, source: str, own: bool = True) -> Program:
    """The blocks of one post, one after the other."""
    lines: list[Line] = []
    notes: list[Assumption] = []
    for block in blocks:
        by_line: dict[int, list[Assumption]] = {}
        for assumption in block.assumptions:
            if assumption.line is None:
                notes.append(assumption)
            else:
                by_line.setdefault(assumption.line, []).append(assumption)
        for place, (text, number) in enumerate(zip(block.text.split("\n"), block.lines, strict=True), start=1):
            origin = Origin(source=source, line=number or None)
            lines.append(Line(text, origin, tuple(by_line.get(place, ()))))
    return Program(lines=tuple(lines), notes=tuple(notes), own=own)


def lines_of(code: str, *, source: str, notes: Sequence[Assumption] = ()) -> tuple[Line, ...]:
    """The lines of a program that is no post; `notes` stand at the first of them."""
    texts = code.rstrip("\n").split("\n")
    return tuple(
        Line(text, Origin(source=source, line=number), tuple(notes) if number == 1 else ())
        for number, text in enumerate(texts, start=1)
    )


def statements(program: Program) -> list[tuple[ast.stmt, tuple[Line, ...]]]:
    """The top-level statements with their lines; comments and blank lines belong to the statement below."""
    tree = program.tree
    if tree is None:
        return []
    found: list[tuple[ast.stmt, tuple[Line, ...]]] = []
    behind = 0
    for statement in tree.body:
        _, last = statement_lines(statement)
        if last <= behind:
            # A second statement on one line goes with the first.
            continue
        found.append((statement, program.lines[behind:last]))
        behind = last
    return found
