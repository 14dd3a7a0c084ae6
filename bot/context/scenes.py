"""Programs for posts that lean on a chapter: its scenes, with the asker's own lines in their places."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.context.chapters import Chapter, Scene
from bot.context.fill import mention_line
from bot.context.imports import IMPORTS
from bot.context.program import Line, Program, lines_of, statements
from bot.domain.snippet import Assumption, AssumptionKind, QuotedOutput, Reading
from bot.source import bound_names, parse, undefined_names

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf", re.IGNORECASE)
_BACKWARD = re.compile(r"^[A-Za-z_][\w.()]*\.backward\(.*\)$")


#: A value that a post tells and a scene shows outweighs all cue words.
_TOLD_VALUE = 5.0


def gap_filled(own: Program, chapter: Chapter, reading: Reading) -> list[Program]:
    """Scenes whose statements contain the asker's in order, the asker's lines kept; the likeliest first.

    A scene that shows what the asker quotes comes before all others.
    """
    found = []
    for place, scene in enumerate(chapter.scenes):
        agreement = _agreement(scene, reading.outputs)
        program = _merged(own, scene, chapter) if agreement >= 0 else None
        if program is not None and (agreement > 0 or _gives_values(own)):
            found.append((agreement, place, program))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return [program for _, _, program in found]


def continued(own: Program, chapter: Chapter, reading: Reading) -> list[Program]:
    """Scenes with the asker's program behind them, as when the cells of the chapter were run before it.

    Only where the program lacks a name, and the post quotes values to hold a run against.
    """
    tree = own.tree
    lacking = {use.name for use in undefined_names(tree)} - IMPORTS.keys() if tree is not None else set()
    if not any(same_numbers(output.text, output.text) for output in reading.outputs):
        return []
    found = []
    for scene in chapter.scenes:
        before = parse(scene.code)
        if before is not None and lacking & bound_names(before):
            lines = (*_scene_lines(scene, chapter), *own.lines)
            found.append(replace(own, lines=lines, scene=scene.name, doubtful=True))
    return found


def mentioned(reading: Reading, chapter: Chapter, *, post: int) -> list[Program]:
    """Scenes that the post's words or the code it names point to, each with the named call in it."""
    ranked = []
    for place, scene in enumerate(chapter.scenes):
        score = _cue_score(scene, reading)
        calls = [code for code in reading.mentions if _fits(code, scene)]
        score += 0.5 * bool(calls) + 0.25 * sum(code in scene.shows for code in reading.mentions)
        score += _TOLD_VALUE * _tells_value(scene, reading)
        if score > 0:
            ranked.append((-score, place, scene, calls))
    ranked.sort(key=lambda entry: entry[:2])
    programs: list[Program] = []
    for _, _, scene, calls in ranked:
        programs.extend(_with_call(scene, chapter, call, post=post) for call in calls)
        if not calls:
            programs.append(_with_call(scene, chapter, None, post=post))
    return programs


def _tells_value(scene: Scene, reading: Reading) -> bool:
    """Whether the post tells a value that this scene shows."""
    told = [output.text for output in reading.outputs]
    told += [code for code in reading.mentions if code.startswith(("tensor(", "array("))]
    return any(same_numbers(shown, value) for shown in scene.shows.values() for value in told)


def same_numbers(first: str, second: str) -> bool:
    """Whether two printed values hold the same numbers, spacing and trailing zeros aside."""
    return bool(_numbers(first)) and _numbers(first) == _numbers(second)


def _numbers(text: str) -> list[str]:
    return [f"{float(number):.4g}" for number in _NUMBER.findall(text)]


def _agreement(scene: Scene, outputs: Sequence[QuotedOutput]) -> int:
    """How many of the quoted outputs the scene shows, less those it shows otherwise."""
    score = 0
    for output in outputs:
        shown = scene.shows.get(_plain(output.after or ""))
        if shown is not None:
            score += 1 if same_numbers(shown, output.text) else -1
    return score


def _cue_score(scene: Scene, reading: Reading) -> float:
    return float(sum(bool(cue.search(reading.prose)) for cues in scene.cues.values() for cue in cues))


def _fits(call: str, scene: Scene) -> bool:
    """Whether the named call can stand where the scene's own call stands."""
    if scene.call is None or not _BACKWARD.match(call):
        return False
    tree = parse(scene.code)
    return tree is not None and call.split(".")[0] in bound_names(tree)


def _with_call(scene: Scene, chapter: Chapter, call: str | None, *, post: int) -> Program:
    lines = _scene_lines(scene, chapter)
    if call is not None:
        indent = scene.call[: len(scene.call) - len(scene.call.lstrip())] if scene.call else ""
        named = mention_line(indent + call, post=post)
        lines = tuple(named if line.text == scene.call else line for line in lines)
    return Program(lines=lines, own=False, scene=scene.name)


def _scene_lines(scene: Scene, chapter: Chapter) -> tuple[Line, ...]:
    note = Assumption(
        kind=AssumptionKind.FROM_CHAPTER,
        text=f"the post leans on the chapter {chapter.name}; its scene {scene.name.partition('/')[2]} is run",
    )
    return lines_of(scene.code, source=f"chapter {chapter.name}", notes=[note])


def _merged(own: Program, scene: Scene, chapter: Chapter) -> Program | None:
    """The scene with the asker's statements in place of its own, or None when they do not fit into it."""
    asked = statements(own)
    program = Program(lines=_scene_lines(scene, chapter), own=True, scene=scene.name)
    parts = statements(program)
    if not asked or len(asked) >= len(parts):
        return None
    texts = [_dump(statement) for statement, _ in parts]
    places: dict[int, tuple[Line, ...]] = {}
    end = len(parts)
    # From the end: `x.grad` at the end of a post is the last one of the scene.
    for statement, lines in reversed(asked):
        end = _last_place(texts, _dump(statement), before=end)
        if end < 0:
            return None
        places[end] = lines
    merged = [places.get(place, lines) for place, (_, lines) in enumerate(parts)]
    first_note = program.lines[0].notes if 0 in places else ()
    return Program(
        lines=tuple(line for lines in merged for line in lines),
        notes=(*own.notes, *first_note),
        own=True,
        scene=scene.name,
    )


def _gives_values(own: Program) -> bool:
    """Whether the asker's lines give a name a value: a lone `x.grad` fits into every scene."""
    tree = own.tree
    return tree is not None and any(isinstance(statement, ast.Assign) for statement in tree.body)


def _last_place(texts: Sequence[str], text: str, *, before: int) -> int:
    return next((place for place in range(before - 1, -1, -1) if texts[place] == text), -1)


def _dump(statement: ast.stmt) -> str:
    return ast.dump(statement)


def _plain(code: str) -> str:
    """The expression whose value is shown: `print(x.grad)` shows `x.grad`."""
    match = re.fullmatch(r"print\s*\((.*)\)", code.strip(), re.DOTALL)
    return (match.group(1) if match else code).strip()
