"""`autograd-bot poll --once` and `autograd-bot serve`: the main job against a forum."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.context import INTERRUPTED
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.pipeline import Pipeline
    from bot.worker import Worker


def poll(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One round of everything, then end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a job.")] = False,
) -> None:
    """Do one round of the main job: read the forum, answer what has settled, post what was approved.

    Ctrl-C and SIGTERM let the post in hand be finished; the next round goes on with the rest.

    Example: autograd-bot poll --once
    """
    from bot.worker import first_error, run_once

    if not once:
        raise UsageError("`poll` does one round: say `poll --once`. `autograd-bot serve` goes on and on.")
    context: Context = ctx.obj
    with _at_work(context) as (worker, _):
        rounds = run_once(worker)
    for one in rounds:
        if json:
            context.print_json({"job": one.job.value, "note": one.note, "error": one.error and str(one.error)})
        else:
            context.console.print(f"{one.job.value:8} {one.note}", markup=False)
    if error := first_error(rounds):
        raise error
    if any(one.error for one in rounds):
        raise typer.Exit(1)
    if worker.stopping.is_set():
        raise typer.Exit(INTERRUPTED)


def serve(
    ctx: typer.Context,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Serve the moderators' page as well.")] = True,
) -> None:
    """Do the main job until Ctrl-C or SIGTERM, which let the post in hand be finished.

    Example: autograd-bot --data /var/lib/autograd-bot serve
    """
    from bot.worker import serve as work

    context: Context = ctx.obj
    with _at_work(context) as (worker, pipeline):
        context.progress.print(f"Watching {context.settings.forum.url}. Ctrl-C ends it.", markup=False)
        with _page(context, worker, pipeline) if page else nullcontext():
            work(worker)


@contextmanager
def _page(context: Context, worker: Worker, pipeline: Pipeline) -> Iterator[None]:
    """The moderators' page, beside the jobs, over the same database and sandbox."""
    from bot.cli import web

    publisher = worker.publisher
    with web.start(context, store=publisher.store, pipeline=pipeline, forum=publisher.forum) as server:
        web.tell(context, server)
        yield


@contextmanager
def _at_work(context: Context) -> Iterator[tuple[Worker, Pipeline]]:
    """Everything the jobs need, opened in the order in which it can be missing; one process at a time."""
    import secrets
    import threading
    from datetime import UTC, datetime

    from bot.cli.logs import log_to_stderr
    from bot.cli.opening import opened_pipeline
    from bot.forum.discourse import DiscourseForum
    from bot.publish import Publisher
    from bot.store.opening import open_store
    from bot.worker import Worker, only_one, pausing, stopped_by_signals

    settings = context.settings
    log_to_stderr(settings.log_level)
    stopping = threading.Event()
    forum = DiscourseForum(settings.forum, wait=pausing(stopping))
    store = open_store(context.data)
    try:
        with (
            only_one(context.data),
            stopped_by_signals(stopping),
            opened_pipeline(context) as pipeline,
        ):
            worker = Worker(
                publisher=Publisher(
                    store=store,
                    forum=forum,
                    settings=settings,
                    clock=lambda: datetime.now(UTC),
                    marker_key=lambda: secrets.token_hex(16),
                ),
                answer=pipeline.answer,
                chapter_of=lambda topic: (
                    settings.forum.chapters.get(topic.id) or pipeline.contexts.chapter_of(topic.title)
                ),
                stopping=stopping,
            )
            yield worker, pipeline
    finally:
        store.close()
