"""From a diagnosis to repairs, in the entry's order of preference. Nothing is run here."""

from __future__ import annotations

import ast
import difflib
import importlib.util
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from bot.domain.confusion import Confusion, Fix, Place
from bot.domain.diagnosis import Diagnosis, Repair
from bot.errors import KnowledgeError
from bot.repair import patterns
from bot.repair.toolkit import Program, Target

Rewrite = Callable[[Program, Target], str | None]


def repairs(entry: Confusion, diagnosis: Diagnosis, code: str) -> Iterator[Repair]:
    """The repairs that can be made to this program, best first. Each parses and differs from the original."""
    try:
        program = Program(code)
        ast.parse(code)
    except (SyntaxError, ValueError):
        return
    target = Target(dict(diagnosis.names), diagnosis.error_line, diagnosis.cause_line)
    seen = {code}
    for fix in entry.fixes:
        edited = _apply(entry, fix, program, target)
        if edited is None or edited in seen or not _parses(edited):
            continue
        seen.add(edited)
        yield Repair(
            fix=fix.name,
            code=edited,
            diff=diff(code, edited),
            changed=changed_lines(code, edited),
            why=fix.keeps,
            changes=tuple(_plain(name, target) for name in fix.changes),
            cuts=tuple(_plain(name, target) for name in fix.cuts),
        )


def written_by_hand(entry: Confusion, diagnosis: Diagnosis, before: str, after: str) -> Repair:
    """The edit that a person made of a program. It may change and cut what any of the entry's fixes may."""
    target = Target(dict(diagnosis.names), diagnosis.error_line, diagnosis.cause_line)
    return Repair(
        fix="by hand",
        code=after,
        diff=diff(before, after),
        changed=changed_lines(before, after),
        changes=tuple(_plain(name, target) for fix in entry.fixes for name in fix.changes),
        cuts=tuple(_plain(name, target) for fix in entry.fixes for name in fix.cuts),
    )


def together(original: str, first: Repair, second: Repair) -> Repair:
    """Two repairs, of which the second edits what the first made of the program, as one repair of the original."""
    return Repair(
        fix=f"{first.fix} + {second.fix}",
        code=second.code,
        diff=diff(original, second.code),
        changed=changed_lines(original, second.code),
        why=first.why,
        changes=tuple(dict.fromkeys((*first.changes, *second.changes))),
        cuts=tuple(dict.fromkeys((*first.cuts, *second.cuts))),
    )


def diff(before: str, after: str) -> str:
    """A unified diff without file names."""
    rows = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
    return "\n".join(rows) + "\n" if rows else ""


def changed_lines(before: str, after: str) -> tuple[int, ...]:
    """The lines of `before` that were changed or removed, or that stand right before something inserted."""
    matcher = difflib.SequenceMatcher(a=before.splitlines(), b=after.splitlines(), autojunk=False)
    changed: set[int] = set()
    for kind, start, end, _, _ in matcher.get_opcodes():
        if kind == "insert":
            changed.add(max(start, 1))
        elif kind != "equal":
            changed.update(range(start + 1, end + 1))
    return tuple(sorted(changed))


def check(entry: Confusion) -> None:
    """Raise `KnowledgeError` at the first fix of an entry that can never be applied, and say why."""
    for fix in entry.fixes:
        ways = (fix.replace, fix.insert_after, fix.insert_before, fix.append, fix.rewrite)
        try:
            if sum(way is not None for way in ways) != 1 or (fix.replace is None) != (fix.with_ is None):
                raise KnowledgeError("it needs one of: replace and with, insert_after, insert_before, append, rewrite")
            if fix.replace is not None:
                patterns.Pattern(fix.replace).check(fix.with_ or "")
            if fix.rewrite is not None:
                _rewrite(entry, fix.rewrite)
        except KnowledgeError as error:
            raise KnowledgeError(f"{entry.name}/confusion.toml, [[fix]] {fix.name}\n  {error}") from error


def _apply(entry: Confusion, fix: Fix, program: Program, target: Target) -> str | None:
    if fix.rewrite is not None:
        return _rewrite(entry, fix.rewrite)(program, target)
    if fix.append is not None:
        if not patterns.names_in(fix.append) <= target.names.keys():
            return None
        return program.appended(patterns.filled(fix.append, program, patterns.Bound({}, {}), target.names))
    lines = _lines(fix.where, program, target)
    if fix.where is not Place.WHOLE_PROGRAM and lines is None:
        return None
    if fix.replace is not None:
        return _replace(fix, program, target, lines)
    return _insert(fix, program, target, lines)


def _replace(fix: Fix, program: Program, target: Target, lines: range | None) -> str | None:
    assert fix.replace is not None
    pattern = patterns.Pattern(fix.replace)
    wanted = patterns.names_in(fix.with_ or "") - target.names.keys()
    found = [
        (node, bound)
        for node, bound in pattern.matches(program, lines=lines, names=target.names)
        if wanted <= bound.single.keys()
    ]
    if not found:
        return None
    chosen = found if fix.where is Place.WHOLE_PROGRAM else found[:1]
    filled = [(node, patterns.filled(fix.with_ or "", program, bound, target.names)) for node, bound in chosen]
    if any(_sets_an_element(text) and not _sets_an_element(program.text(node)) for node, text in filled):
        return None  # the fix gives a name another tensor; written into an element it would change numbers
    return program.replaced((node, program.in_place_of(node, text)) for node, text in filled)


def _sets_an_element(code: str) -> bool:
    """Whether code assigns to `x[0]`, which writes into a tensor."""
    try:
        tree = ast.parse(code.strip())
    except SyntaxError:
        return False
    given = (target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets)
    return any(isinstance(target, ast.Subscript) for target in given)


def _insert(fix: Fix, program: Program, target: Target, lines: range | None) -> str | None:
    statement = program.statement_at(lines.start) if lines is not None else None
    text = fix.insert_after if fix.insert_after is not None else fix.insert_before
    if statement is None or text is None or not patterns.names_in(text) <= target.names.keys():
        return None
    block = patterns.filled(text, program, patterns.Bound({}, {}), target.names)
    put = program.inserted_after if fix.insert_after is not None else program.inserted_before
    return put(statement, block)


def _lines(place: Place, program: Program, target: Target) -> range | None:
    line: int | None = None
    match place:
        case Place.ERROR_LINE:
            line = target.error_line
        case Place.CAUSE_LINE | Place.CREATION_LINE:
            line = target.cause_line
        case Place.LAST_BACKWARD:
            calls = program.calls("backward", "grad")
            line = calls[-1].lineno if calls else None
        case Place.FIRST_USE:
            line = _first_use(program, target)
        case Place.WHOLE_PROGRAM:
            return None
    return None if line is None else range(line, line + 1)


def _first_use(program: Program, target: Target) -> int | None:
    name = target.names.get("X")
    made = target.cause_line or 0
    uses = [
        node.lineno
        for node in ast.walk(program.tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) and node.lineno > made
    ]
    return min(uses, default=None)


def _rewrite(entry: Confusion, name: str) -> Rewrite:
    if not entry.own:  # an admin's folder is data: its Python is never run
        raise KnowledgeError(f"{entry.name}: `rewrite` is for the project's own entries")
    function = getattr(_module(entry.folder / "rewrite.py"), name, None)
    if function is None:
        raise KnowledgeError(f"{entry.name}/rewrite.py has no function {name}")
    return function  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def _module(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"knowledge_{path.parent.name}_rewrite", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise KnowledgeError(f"{path.parent.name}: a fix names a rewrite, but there is no rewrite.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _plain(name: str, target: Target) -> str:
    return target.names.get(name.removeprefix("$"), name) if name.startswith("$") else name
