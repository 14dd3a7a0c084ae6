"""The main job, over and over: poll, settle, publish, watch.

The jobs take turns on one thread, so that nothing of ours runs beside itself; other processes (the
command line, the moderators' page) work on the same database meanwhile. A signal ends the program
after the post in hand. Here is the only place that catches every error: it is kept for a person, and
the next round goes on.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot import intake, review
from bot.domain.answer import Answer
from bot.domain.post import PostState, Question
from bot.errors import BotError, DatabaseBusy, ForumUnavailable, SandboxError, StoreError
from bot.forum.questions import ChapterOf, no_chapter
from bot.notify import notify
from bot.publish import Publisher, Step, publish, watch
from bot.store import answers, jobs, marks, posts
from bot.store.engine import Store

log = structlog.get_logger()

#: Posts answered in one round of `serve`; then the other jobs have their turn.
MOST_AT_ONCE = 20
#: When a post that made the program fail is tried again.
TRY_AGAIN = timedelta(minutes=5)


class Job(Enum):
    """What is done, in the order of a round."""

    POLL = "poll"
    SETTLE = "settle"
    PUBLISH = "publish"
    WATCH = "watch"


#: Seconds between two rounds; `poll` has a setting of its own.
_PAUSES = {Job.SETTLE: 15.0, Job.PUBLISH: 15.0, Job.WATCH: 300.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """How one round of a job ended."""

    job: Job
    note: str
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True)
class Worker:
    """What the jobs need. `answer` is the pipeline's."""

    publisher: Publisher
    answer: Callable[[Question], Answer]
    chapter_of: ChapterOf = no_chapter
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def store(self) -> Store:
        """The database."""
        return self.publisher.store


def pausing(stopping: threading.Event) -> Callable[[float], None]:
    """Pauses for the forum's client, which end with `ForumUnavailable` when the program is to end."""

    def pause(seconds: float) -> None:
        if stopping.wait(seconds):
            raise ForumUnavailable("the program is ending")

    return pause


def run(worker: Worker, job: Job, *, most: int = MOST_AT_ONCE) -> Round:
    """One round of a job. Never raises for what goes wrong in it: see `Round.error`."""
    if worker.stopping.is_set():
        return Round(job=job, note="the program is ending")
    try:
        with worker.store.writing() as connection:
            jobs.start(connection, job.value, now=worker.publisher.clock())
        ended = Round(job=job, note=_work(worker, job, most=most))
    except (ForumUnavailable, DatabaseBusy) as error:  # passes by itself
        log.warning("job_put_off", job=job.value, why=str(error))
        ended = Round(job=job, note=str(error), error=error)
    except Exception as error:  # noqa: BLE001 - nothing may end the other jobs
        _keep(worker, job, error)
        ended = Round(job=job, note=f"{type(error).__name__}: {error}", error=error)
    _finish(worker, ended)
    return ended


def _work(worker: Worker, job: Job, *, most: int) -> str:
    publisher, stop = worker.publisher, worker.stopping.is_set
    now = publisher.clock()
    match job:
        case Job.POLL:
            waiting = intake.poll(publisher.forum, worker.store, publisher.settings, now)
            return f"{waiting} new posts wait"
        case Job.SETTLE:
            return _settle(worker, most=most)
        case Job.PUBLISH:
            steps = publish(publisher, stop=stop)
            return ", ".join(f"{steps.count(step)} {step.value}" for step in Step if step in steps) or "nothing due"
        case Job.WATCH:
            with worker.store.writing() as connection:
                dropped = review.drop_old(connection, now=now, settings=publisher.settings.review)
            looked = watch(publisher, stop=stop)
            return f"{looked} looked at, {dropped} old drafts dropped"


def _settle(worker: Worker, *, most: int) -> str:
    """Answer the posts that have settled; tell the moderators when drafts wait."""
    publisher = worker.publisher
    now = publisher.clock()
    done = drafted = failed = 0
    due = intake.due(worker.store, publisher.forum, publisher.settings, now, chapter_of=worker.chapter_of)
    for question in due:
        match _answer(worker, question):
            case None:
                failed += 1
            case is_draft:
                drafted += is_draft
        done += 1
        if done >= most or worker.stopping.is_set():
            break
    notify(worker.store, publisher.forum, settings=publisher.settings.review, now=publisher.clock())
    return f"{done} posts looked at, {drafted} drafts, {failed} failed"


def _answer(worker: Worker, question: Question) -> bool | None:
    """Answer one question; whether a draft waits now, None when the program failed at it."""
    post, clock = question.post, worker.publisher.clock
    with worker.store.reading() as connection:
        known = answers.already_answered(connection, post.id, post.sha256)
    try:
        answer = None if known else worker.answer(question)
    except (SandboxError, StoreError):  # not the post's fault: nothing can be answered now
        raise
    except Exception as error:  # noqa: BLE001 - one post may not keep the others from being answered
        _keep(worker, Job.SETTLE, error, post_id=post.id)
        now = clock()
        with worker.store.writing() as connection:
            state = posts.failed(connection, post.id, post.sha256, again_at=now + TRY_AGAIN, now=now)
        log.warning("post_failed", post=post.id, set_aside=state is PostState.SET_ASIDE)
        return None
    now = clock()
    with worker.store.writing() as connection:
        draft_id = review.save_answer(connection, question, answer, now) if answer else None
        posts.answered(connection, post.id, post.sha256, now=now)
    log.info("answered", post=post.id, draft=draft_id)
    return draft_id is not None


def _keep(worker: Worker, job: Job, error: Exception, *, post_id: str | None = None) -> None:
    """Write the error down for a person."""
    detail = "".join(traceback.format_exception(error))
    log.error("job_failed", job=job.value, post=post_id, error=str(error), kind=type(error).__name__)
    try:
        with worker.store.writing() as connection:
            jobs.add_trouble(
                connection,
                job=job.value,
                post_id=post_id,
                error=error,
                detail=detail,
                now=worker.publisher.clock(),
            )
    except StoreError as unkept:
        log.error("trouble_not_kept", why=str(unkept))


def _finish(worker: Worker, ended: Round) -> None:
    log.info("round", job=ended.job.value, note=ended.note)
    try:
        with worker.store.writing() as connection:
            now = worker.publisher.clock()
            jobs.finish(connection, ended.job.value, note=ended.note, succeeded=ended.error is None, now=now)
            if limited := worker.publisher.forum.limited_for:  # the page may run in another process
                until = now + timedelta(seconds=limited)
                marks.keep(connection, marks.LIMITED_UNTIL, until.isoformat(), now=now)
    except StoreError as error:
        log.warning("round_not_kept", why=str(error))


def run_once(worker: Worker) -> list[Round]:
    """One round of every job, to its end."""
    everything = 1_000_000
    return [run(worker, job, most=everything) for job in Job]


def serve(worker: Worker) -> None:
    """Run the jobs until `worker.stopping` is set; what is in hand then is finished first."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    at_once = datetime.now(UTC)  # by the clock that the scheduler goes by, which is no part of the worker
    pauses = {Job.POLL: worker.publisher.settings.intake.poll_seconds, **_PAUSES}
    for job in Job:
        trigger = IntervalTrigger(seconds=pauses[job], jitter=pauses[job] / 10, timezone=UTC)
        scheduler.add_job(run, trigger, args=[worker, job], id=job.value, next_run_time=at_once)
    scheduler.start()
    try:
        worker.stopping.wait()
    finally:
        worker.stopping.set()
        scheduler.shutdown(wait=True)


@contextmanager
def stopped_by_signals(stopping: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stopping`; the second one ends the program at once.

    A signal comes at any point of the main thread, which may hold the lock of the log or of `stopping`
    just then. So its handler takes none: it passes the signal on to a thread.
    """
    listened, told = os.pipe()

    def stop(number: int, _frame: FrameType | None) -> None:
        os.write(told, bytes([number]))
        for known in previous:
            signal.signal(known, signal.SIG_DFL)

    def listen() -> None:
        while number := os.read(listened, 1):
            log.info("stopping", signal=signal.Signals(number[0]).name)
            stopping.set()

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        os.close(told)
        listener.join()
        os.close(listened)


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Keep every other process from doing the main job on this data directory.

    Raises `DatabaseBusy` when one does. The lock ends with its process, however that ends.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "serve.lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatabaseBusy(
                f"Another autograd-bot does the main job on {data}. Stop it first, or name another --data."
            ) from error
        yield


def first_error(rounds: list[Round]) -> BotError | None:
    """The first error of these rounds that has words for the person at the terminal."""
    return next((one.error for one in rounds if isinstance(one.error, BotError)), None)
