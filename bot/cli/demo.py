"""`autograd-bot demo`: the main job over the sample forum, then its drafts on the moderators' page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.replay import answered_with_progress, show_table

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.replay import Replayed


def demo(
    ctx: typer.Context,
    page: Annotated[
        bool | None,
        typer.Option("--page/--no-page", help="Serve the moderators' page afterwards; by default on a terminal."),
    ] = None,
) -> None:
    """Do the main job over the sample forum that comes with the program, then show its drafts on a local page.

    Example: autograd-bot --data demo-data demo
    """
    from bot.samples import sample_forum

    context: Context = ctx.obj
    done = answered_with_progress(context, sample_forum(), again=False)
    show_table(context, done)
    _show_one(context, done)
    _show_next(context)
    if page if page is not None else sys.stdin.isatty() and sys.stdout.isatty():
        _serve_page(context)


def _serve_page(context: Context) -> None:
    import threading

    from bot.cli import web
    from bot.worker import stopped_by_signals

    stopping = threading.Event()
    with stopped_by_signals(stopping), web.sample_page(context) as server:
        context.console.print()
        web.tell(context, server)
        context.console.print("What you approve there is posted into the sample forum. Ctrl-C ends it.", markup=False)
        stopping.wait()


def _show_one(context: Context, done: list[Replayed]) -> None:
    from bot.cli.show import heading, show_answer

    best = next((one for one in done if one.answer is not None and one.answer.proof is not None), None)
    if best is not None and best.answer is not None:
        context.console.print()
        heading(context.console, f"One draft as a moderator reads it: draft {best.draft_id}, {best.entry.source}")
        show_answer(context.console, best.answer)


def _show_next(context: Context) -> None:
    context.console.print()
    context.console.print("What to type next:")
    command = f"{sys.argv[0]} --data {context.data}"
    for line, what in (
        (f"{command} drafts list", "all drafts that wait"),
        (f"{command} drafts show 1", "one of them"),
        (f"{command} demo --page", "the same on the moderators' page"),
        (f"{command} answer POST.md", "answer a post of your own"),
    ):
        context.console.print(f"  {line:<56} {what}", markup=False)
