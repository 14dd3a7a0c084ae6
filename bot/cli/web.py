"""The moderators' page: started beside the jobs of `serve`, alone, or over the sample forum of the demo."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from bot.cli.context import Context
    from bot.forum import Forum
    from bot.forum.memory import ArchiveForum
    from bot.pipeline import Pipeline
    from bot.publish import Publisher
    from bot.settings import Settings
    from bot.store.engine import Store
    from bot.web.server import RunningServer

#: In the sample forum an approved reply is posted after so many seconds: long enough to undo it.
SAMPLE_GRACE_SECONDS = 10
#: How often the sample forum is looked after.
SAMPLE_PAUSE_SECONDS = 1.0


def web(ctx: typer.Context) -> None:
    """Serve the moderators' page until Ctrl-C or SIGTERM, without polling or posting anything.

    Without a forum in the settings, it shows the sample forum, and approved replies are posted there.

    Example: autograd-bot web
    """
    from bot.worker import stopped_by_signals

    context: Context = ctx.obj
    stopping = threading.Event()
    opened = alone(context) if context.settings.forum.url else sample_page(context)
    with stopped_by_signals(stopping), opened as server:
        tell(context, server)
        stopping.wait()


def tell(context: Context, server: RunningServer) -> None:
    """Print where the page is, and a one-time link into it when it is on this machine alone."""
    context.console.print(f"The moderators' page: {server.url}", markup=False, soft_wrap=True)
    if link := server.login_link():
        context.console.print(f"Sign in once, within an hour: {link}", markup=False, soft_wrap=True)


def start(context: Context, *, store: Store, pipeline: Pipeline, forum: Forum | None) -> RunningServer:
    """The page over what the caller has opened. Close it, or use it in a `with` statement."""
    return _start(context.data, context.settings, store=store, pipeline=pipeline, forum=forum)


@contextmanager
def alone(context: Context) -> Iterator[RunningServer]:
    """The page of the forum in the settings; another process does the jobs."""
    from bot.cli.opening import opened_pipeline
    from bot.forum.discourse import DiscourseForum
    from bot.store.opening import open_store

    store = open_store(context.data)
    try:
        with opened_pipeline(context) as pipeline:
            forum = DiscourseForum(context.settings.forum)
            with start(context, store=store, pipeline=pipeline, forum=forum) as server:
                yield server
    finally:
        store.close()


@contextmanager
def sample_page(context: Context) -> Iterator[RunningServer]:
    """The page of the sample forum. What is approved is posted there, into files of the data directory."""
    import secrets
    from datetime import UTC, datetime

    from bot.cli.opening import opened_pipeline
    from bot.publish import Publisher
    from bot.store.opening import open_store

    settings = _for_the_sample(context.settings)
    store = open_store(context.data)
    ending = threading.Event()
    try:
        with opened_pipeline(context) as pipeline:
            forum = sample_forum_of(context.data)
            publisher = Publisher(
                store=store,
                forum=forum,
                settings=settings,
                clock=lambda: datetime.now(UTC),
                marker_key=lambda: secrets.token_hex(16),
            )
            posting = threading.Thread(target=_post_until, args=(publisher, ending), name="posting", daemon=True)
            posting.start()
            with _start(context.data, settings, store=store, pipeline=pipeline, forum=forum) as server:
                yield server
            ending.set()
            posting.join()
    finally:
        ending.set()
        store.close()


def sample_forum_of(data: Path) -> ArchiveForum:
    """The sample forum with the replies that were posted to it from this data directory."""
    from bot.forum.archive import read_topic
    from bot.forum.memory import ArchiveForum
    from bot.samples import sample_forum

    topics = [read_topic(file) for file in sorted(sample_forum().glob("*.json"))]
    return ArchiveForum(topics, replies=data / "sample-replies")


def _start(data: Path, settings: Settings, *, store: Store, pipeline: Pipeline, forum: Forum | None) -> RunningServer:
    from bot.web import server

    site = server.make_site(
        data=data, settings=settings, store=store, library=pipeline.library, pipeline=pipeline, forum=forum
    )
    return server.start(site)


def _for_the_sample(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "forum": settings.forum.model_copy(update={"seconds_between_posts": 0.0}),
            "review": settings.review.model_copy(update={"grace_seconds": SAMPLE_GRACE_SECONDS}),
        }
    )


def _post_until(publisher: Publisher, ending: threading.Event) -> None:
    from bot.publish import publish

    while not ending.wait(SAMPLE_PAUSE_SECONDS):
        publish(publisher, stop=ending.is_set)
