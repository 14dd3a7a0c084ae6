"""`autograd-bot knowledge new | edit`: an admin writes an entry, or changes one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import knowledge
from bot.cli.asking import answered, require_agreed, something
from bot.cli.knowledge import Name
from bot.errors import BadInput, KnowledgeError, NotFound

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.confusion import ConfusionKind
    from bot.domain.post import Language
    from bot.domain.run import Run
    from bot.pipeline import Pipeline
    from bot.shelf import Copy
    from bot.shelf.sketch import Sketch

app = knowledge.app

Over = Annotated[bool, typer.Option("--over", help="Let it take the place of the project's entry of that name.")]


@app.command()
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name: the wrong pattern, e.g. loss_on_gpu.")],
    failing: Annotated[str | None, typer.Option(help="A Python file that goes wrong this way.")] = None,
    fixed: Annotated[str | None, typer.Option(help="The same program, mended in one line.")] = None,
    kind: Annotated[str, typer.Option(help="mistake (the code is wrong) or question (it is misread).")] = "mistake",
    family: Annotated[str, typer.Option(help="Which entries it is easily taken for.")] = "own",
    title_en: Annotated[str | None, typer.Option(help="The wrong pattern in a few words, in English.")] = None,
    title_zh: Annotated[str | None, typer.Option(help="The same in Chinese.")] = None,
    explain_en: Annotated[str | None, typer.Option(help="Cause in one or two sentences, in English.")] = None,
    explain_zh: Annotated[str | None, typer.Option(help="The same in Chinese.")] = None,
    asked_en: Annotated[str | None, typer.Option(help="How a student asks it, in English.")] = None,
    asked_zh: Annotated[str | None, typer.Option(help="The same in Chinese.")] = None,
    over: Over = False,
) -> None:
    """Write a new entry: asks what is not given, runs the failing program, and writes what it shows.

    Each answer is looked at when it is given, and asked again when it cannot be used; until the last one nothing is
    written. Exit code 5 when the entry was written and does not keep its promises.

    Example: autograd-bot knowledge new loss_on_list --failing wrong.py --fixed right.py
    """
    from bot.cli.opening import opened_pipeline
    from bot.domain.confusion import ConfusionKind
    from bot.shelf import require_free

    context: Context = ctx.obj
    require_free(context.data / "knowledge", name, over=over)
    if kind not in {one.value for one in ConfusionKind}:
        raise BadInput(f'kind is "mistake" or "question", not "{kind}"')
    given = Given(
        ConfusionKind(kind), failing, fixed, (title_en, title_zh), (explain_en, explain_zh), (asked_en, asked_zh)
    )
    if not sys.stdin.isatty():
        given.require_complete()
    with opened_pipeline(context, as_ruled=False) as pipeline:
        sketch, run = _asked_for(context, pipeline, given, name=name, family=family)
        _write(context, pipeline, sketch, run, over=over)


@dataclass(frozen=True)
class Given:
    """What was given on the command line; pairs are English and Chinese, None is asked for."""

    kind: ConfusionKind
    failing: str | None
    fixed: str | None
    title: tuple[str | None, str | None]
    explain: tuple[str | None, str | None]
    asked: tuple[str | None, str | None]

    def require_complete(self) -> None:
        """Raise `BadInput` for what is missing where nobody can be asked, or is no file that can be read."""
        from bot.domain.confusion import ConfusionKind

        if self.failing is None and self.kind is ConfusionKind.MISTAKE:
            raise BadInput(f"--failing is missing ({_FAILING}).")
        for part, (questions, texts) in {
            "title": (_TITLE, self.title),
            "explain": (_EXPLAIN, self.explain),
            "asked": (_ASKED, self.asked),
        }.items():
            for ending, question, text in zip(("en", "zh"), questions, texts, strict=True):
                if text is None:
                    raise BadInput(f"--{part}-{ending} is missing ({question}).")
        for file in (self.failing, self.fixed):
            if file is not None:
                _program(file)


_FAILING = "a Python file that goes wrong this way"
_FIXED = "The same program mended in one line, a Python file; Enter when there is none"
_TITLE = ("The wrong pattern in a few words, in English", "The same in Chinese")
_EXPLAIN = ("The cause in one or two sentences, in English", "The same in Chinese")
_ASKED = ("How a student asks about it, in English", "The same in Chinese")


def _asked_for(
    context: Context, pipeline: Pipeline, given: Given, *, name: str, family: str
) -> tuple[Sketch, Run | None]:
    """Everything about the entry, in the order in which a person thinks of it, and what its failing program did."""
    from bot.domain.confusion import ConfusionKind
    from bot.shelf.sketch import Sketch

    mistake = given.kind is ConfusionKind.MISTAKE
    failing, run = _failing(context, pipeline, given)
    fixed = _fixed(context, pipeline, given, failing, run)
    title, explain = _in_both(given.title, _TITLE), _in_both(given.explain, _EXPLAIN)
    posts = _in_both(given.asked, _ASKED)
    sketch = Sketch(
        name=name,
        kind=given.kind,
        family=family,
        title=title,
        explain=explain,
        asked_as={language: (text,) for language, text in posts.items()},
        failing=failing,
        fixed=fixed,
        asked={} if mistake else posts,
    )
    return sketch, run


def _failing(context: Context, pipeline: Pipeline, given: Given) -> tuple[str | None, Run | None]:
    """The program that goes wrong, and its run, which is told at once; a question may have none."""
    from bot.domain.confusion import ConfusionKind
    from bot.shelf.sketch import seen_of

    if given.failing is None and given.kind is ConfusionKind.QUESTION:
        return None, None

    def shown(file: str) -> tuple[str, Run]:
        code = _program(file)
        run = pipeline.run(code)
        told = seen_of(given.kind, code, run)
        context.console.print(f"  its run shows: {'; '.join(told)}", markup=False)
        return code, run

    return answered(given.failing, _FAILING.capitalize().replace("python", "Python"), shown)


def _fixed(context: Context, pipeline: Pipeline, given: Given, failing: str | None, run: Run | None) -> str | None:
    """The mended program, and what fix it shows, which is told at once; None where there is none."""
    from bot.domain.run import Outcome
    from bot.shelf.sketch import line_fix

    if failing is None or (given.fixed is None and not sys.stdin.isatty()):
        return None

    def shown(file: str) -> str | None:
        if not file:
            return None
        code = _program(file)
        fix = line_fix(failing, code, run)
        mended = pipeline.run(code)
        if mended.outcome is not Outcome.FINISHED:
            said = f"{mended.error.type}: {mended.error.message}" if mended.error else mended.outcome.value
            raise BadInput(f"{file}: the fixed program does not run to its end: {said}")
        context.console.print(f"  its fix: {fix}", markup=False)
        return code

    return answered(given.fixed, _FIXED, shown)


def _program(file: str) -> str:
    """The program of a file. Raises `BadInput` when it cannot be read or is no Python."""
    from bot.cli.opening import read_text
    from bot.shelf.sketch import require_program

    if not file:
        raise BadInput("name a file, as in wrong.py.")
    return require_program(read_text(file), file=file)


def _in_both(given: tuple[str | None, str | None], questions: tuple[str, str]) -> dict[Language, str]:
    """A text in both languages, with the questions for those that are not given."""
    from bot.domain.post import Language

    return {
        language: answered(text, question, something)
        for language, text, question in zip((Language.ENGLISH, Language.CHINESE), given, questions, strict=True)
    }


def _write(context: Context, pipeline: Pipeline, sketch: Sketch, run: Run | None, *, over: bool) -> None:
    """Write the entry, and say whether it keeps its promises. Raises `KnowledgeError` when not."""
    from bot.cli.opening import pipeline_over
    from bot.shelf import write_entry

    folder = write_entry(context.data / "knowledge", sketch, run=run, over=over)
    with _gone_when_interrupted(folder):
        anew = pipeline_over(context, pipeline.trials.sandbox, as_ruled=False)
        record = knowledge.checked(anew.library.get(sketch.name), anew)
    context.console.print(f"Written: {folder}", markup=False)
    knowledge.show_checked(context, record)
    if record["problems"]:
        raise KnowledgeError(
            f"{sketch.name} is written and takes part, and does not keep {len(record['problems'])} of its promises."
            f"\n  `autograd-bot knowledge edit {sketch.name}` opens it."
        )
    context.console.print(f"`autograd-bot knowledge try {sketch.name}` shows its replies.", markup=False)


@contextmanager
def _gone_when_interrupted(folder: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@app.command()
def edit(
    ctx: typer.Context,
    name: Name,
    copy: Annotated[bool, typer.Option("--copy", help="Copy an entry of the project's without asking.")] = False,
) -> None:
    """Open one of your own entries in $EDITOR, and look at it when the editor is closed.

    An entry of the project's is copied into your folder first, where it then lies over the original.

    Example: autograd-bot knowledge edit loss_on_list
    """
    from bot.diagnose.signals import known_words
    from bot.library import read_entry
    from bot.pipeline import require_usable

    context: Context = ctx.obj
    folder = context.data / "knowledge" / name
    copied = None if folder.is_dir() else _copied(context, name, unasked=copy)
    before = _contents(folder)
    try:
        _edit(folder)
    except BaseException:
        if copied is not None:
            shutil.rmtree(folder)
        raise
    if copied is not None and _contents(folder) == before:
        shutil.rmtree(folder)
        context.console.print("Nothing was changed: the copy is gone, and the project's entry answers as before.")
        return
    require_usable(read_entry(folder, own=False, words=known_words()))
    context.console.print(f"{name} is well formed. `autograd-bot knowledge check {name}` runs its cases.", markup=False)


def _copied(context: Context, name: str, *, unasked: bool) -> Copy:
    """The project's entry of this name, copied into the admin's folder when the person wants that."""
    from bot.library import is_the_projects, read_library
    from bot.shelf import copy_of

    if not is_the_projects(name):
        raise NotFound(
            f'you have no entry of your own called "{name}". `autograd-bot knowledge new {name}` writes one.'
        )
    if not unasked and not sys.stdin.isatty():
        raise BadInput(f"{name} is the project's own. --copy copies it into your folder and opens the copy.")
    if not unasked:
        require_agreed(f"{name} is the project's own. Copy it into your folder, and open the copy?")
    made = copy_of(context.data / "knowledge", read_library().get(name))
    context.console.print(f"Copied: {made.folder}. It lies over the project's entry.", markup=False)
    tell_what_stays(context, made.without)
    return made


def tell_what_stays(context: Context, fixes: Sequence[str]) -> None:
    """Say which fixes of the project's entry are not in a copy, and what that means."""
    if fixes:
        context.console.print(
            f"  Left behind: rewrite.py and the fixes that it makes ({', '.join(fixes)}), as an admin's entry is data and"
            " brings no Python.\n  The copy answers without these repairs, until you say them with replace and with.",
            markup=False,
        )


def _edit(folder: Path) -> None:
    """Open the entry's files in the editor, and wait for it. Raises `BadInput` when it does not work."""
    import os
    import shlex
    import subprocess

    from bot.library import FILE

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "editor"
    files = [folder / FILE, folder / "explain.en.md", folder / "explain.zh.md"]
    try:
        subprocess.run([*shlex.split(editor), *map(str, files)], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:  # ValueError: a quote is not closed
        raise BadInput(f"the editor {editor!r} did not work: {error}. Set EDITOR to one that does.") from error


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
