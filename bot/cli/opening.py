"""Opens what commands work with: the sandbox, the pipeline, the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import BadInput

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.forum.questions import ChapterOf
    from bot.library import Library
    from bot.pipeline import Pipeline
    from bot.sandbox import Sandbox
    from bot.store.rulings import Ruled


@contextmanager
def opened_pipeline(context: Context, *, as_ruled: bool = True) -> Iterator[Pipeline]:
    """The pipeline with a running sandbox, which is closed at the end. Raises `SandboxUnavailable`.

    Without `as_ruled` retired entries answer too, and trusted ones are as their folders say: for looking at entries.
    """
    from bot.sandbox.open import open_sandbox

    with open_sandbox(context.settings.sandbox, data=context.data) as sandbox:
        yield pipeline_over(context, sandbox, as_ruled=as_ruled)


def pipeline_over(context: Context, sandbox: Sandbox, *, as_ruled: bool = True) -> Pipeline:
    """The pipeline with the entries as they are now, the admin's included."""
    import time

    from bot.pipeline import pipeline

    made = pipeline(
        context.settings,
        sandbox,
        clock=time.perf_counter,
        admins=context.data / "knowledge",
        rulings={name: one.ruling for name, one in rulings(context).items()} if as_ruled else {},
    )
    _warn_of_left_out(context, made.library)
    return made


def rulings(context: Context) -> dict[str, Ruled]:
    """What was decided about entries; nothing where there is no database, or, with a warning, none that can be used."""
    from bot.errors import StoreError
    from bot.store import rulings as kept
    from bot.store.engine import database_file
    from bot.store.opening import open_store

    if not database_file(context.data).exists():
        return {}
    try:
        store = open_store(context.data)
    except StoreError as error:
        context.warn(f"which entries are retired or trusted cannot be read, so all answer: {error}")
        return {}
    try:
        with store.reading() as connection:
            return kept.current(connection)
    finally:
        store.close()


def read_entries(context: Context, *, asked: str | None = None) -> Library:
    """All entries, the admin's laid over the project's. Needs no sandbox. Tells of those that are left out.

    Raises `KnowledgeError` when the entry that was `asked` for is one of them.
    """
    from bot.pipeline import entries

    library = entries(context.data / "knowledge")
    if asked is not None:
        library.well_formed(asked)
    _warn_of_left_out(context, library)
    return library


def _warn_of_left_out(context: Context, library: Library) -> None:
    from bot.library import is_the_projects

    for broken in library.left_out:
        instead = " the project's own of that name answers, and" if is_the_projects(broken.name) else ""
        context.warn(
            f"left out: your entry {broken.name}, in {broken.folder}\n  {broken.why}\n"
            f"  Until you mend it (`autograd-bot knowledge edit {broken.name}`) or remove its folder,{instead}"
            " everything else goes on without it."
        )


def chapter_finder() -> ChapterOf:
    """Tells the course chapter of a topic by its title."""
    from bot.context import read_contexts
    from bot.library import shipped_contexts

    contexts = read_contexts(shipped_contexts())
    return lambda topic: contexts.chapter_of(topic.title)


def read_text(file: str) -> str:
    """The text of a file, or of standard input for `-`. Raises `BadInput`."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}. Give a file that can be read, or - for standard input.") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        named = "standard input" if file == "-" else file
        raise BadInput(f"{named}: not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8.") from error
