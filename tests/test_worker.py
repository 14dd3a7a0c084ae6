from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import structlog

from bot.domain.answer import Answer
from bot.domain.draft import DraftState
from bot.domain.post import PostState, Question
from bot.errors import DatabaseBusy, ForumRefused, ForumUnavailable, SandboxUnavailable
from bot.forum.memory import ArchiveForum
from bot.publish import Publisher
from bot.settings import ForumSettings, Settings
from bot.store import jobs, posts, queue
from bot.store.engine import Store
from bot.worker import (
    Job,
    Worker,
    first_error,
    only_one,
    pausing,
    run,
    run_once,
    serve,
    stopped_by_signals,
)
from tests.review_examples import NOON, answer, post, silence, topic
from tests.unreliable import HandClock, WatchedForum

SETTINGS = Settings(forum=ForumSettings(username="helper", categories=(3,), seconds_between_posts=0))


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def forum(clock: HandClock) -> WatchedForum:
    asked = [post(id=str(number), number=number) for number in (11, 12, 13)]
    return WatchedForum(ArchiveForum([topic(*asked)], username="helper", now=clock))


@pytest.fixture
def make_worker(store: Store, forum: WatchedForum, clock: HandClock) -> Callable[..., Worker]:
    keys = count(1)

    def made(answering: Callable[[Question], Answer] = lambda question: answer()) -> Worker:
        publisher = Publisher(
            store=store, forum=forum, settings=SETTINGS, clock=clock, marker_key=lambda: f"{next(keys):032x}"
        )
        return Worker(publisher=publisher, answer=answering)

    return made


def state_of(store: Store, post_id: str) -> PostState:
    with store.reading() as connection:
        kept = posts.get(connection, post_id)
    assert kept is not None
    return kept.state


def waiting(store: Store) -> int:
    with store.reading() as connection:
        return queue.counts(connection).get(DraftState.PENDING, 0)


class TestRounds:
    def test_new_posts_become_drafts(self, store: Store, make_worker) -> None:
        rounds = run_once(make_worker())

        assert [(one.job, one.error) for one in rounds] == [(job, None) for job in Job]
        assert [one.note for one in rounds[:2]] == ["3 new posts wait", "3 posts looked at, 3 drafts, 0 failed"]
        assert waiting(store) == 3
        assert state_of(store, "11") is PostState.ANSWERED

    def test_a_second_round_finds_nothing_new(self, store: Store, make_worker) -> None:
        asked = []

        def answering(question: Question) -> Answer:
            asked.append(question.post.id)
            return answer()

        for _ in range(3):
            run_once(make_worker(answering))

        assert sorted(asked) == ["11", "12", "13"]
        assert waiting(store) == 3

    def test_silence_is_kept_and_not_asked_again(self, store: Store, make_worker) -> None:
        run_once(make_worker(lambda question: silence()))

        assert waiting(store) == 0
        assert state_of(store, "12") is PostState.ANSWERED

    def test_posts_wait_until_they_have_settled(self, store: Store, make_worker, forum, clock: HandClock) -> None:
        young = replace(post(), created_at=NOON)
        forum.forum = ArchiveForum([topic(young)], username="helper")
        run_once(make_worker())
        assert waiting(store) == 0

        clock.advance(300)
        run_once(make_worker())
        assert waiting(store) == 1

    def test_a_job_is_known_by_its_last_round(self, store: Store, make_worker) -> None:
        run_once(make_worker())

        with store.reading() as connection:
            kept = {one.name: one for one in jobs.all_jobs(connection)}
        assert set(kept) == {"poll", "settle", "publish", "watch"}
        assert kept["publish"].note == "nothing due"
        assert kept["poll"].succeeded_at == NOON


class TestTrouble:
    def test_a_post_that_makes_the_program_fail_does_not_stop_the_others(self, store: Store, make_worker) -> None:
        def answering(question: Question) -> Answer:
            if question.post.id == "12":
                raise ZeroDivisionError("of the parser")
            return answer()

        (rounds,) = [run_once(make_worker(answering))]

        assert rounds[1].note == "3 posts looked at, 2 drafts, 1 failed"
        assert waiting(store) == 2
        with store.reading() as connection:
            (trouble,) = jobs.open_troubles(connection)
        assert (trouble.job, trouble.post_id, trouble.kind) == ("settle", "12", "ZeroDivisionError")
        assert "raise ZeroDivisionError" in trouble.detail

    def test_it_is_tried_once_more_and_then_set_aside(self, store: Store, make_worker, clock: HandClock) -> None:
        tries = []

        def answering(question: Question) -> Answer:
            tries.append(question.post.id)
            raise RecursionError

        for _ in range(5):
            run_once(make_worker(answering))
            clock.advance(600)

        assert sorted(tries) == ["11", "11", "12", "12", "13", "13"]
        assert state_of(store, "11") is PostState.SET_ASIDE

    def test_a_sandbox_that_is_gone_is_nobodys_fault(self, store: Store, make_worker) -> None:
        def answering(question: Question) -> Answer:
            raise SandboxUnavailable

        rounds = run_once(make_worker(answering))

        assert isinstance(first_error(rounds), SandboxUnavailable)
        assert state_of(store, "11") is PostState.WAITING
        run_once(make_worker())
        assert waiting(store) == 3

    def test_a_forum_that_is_down_is_no_trouble_for_a_person(self, store: Store, make_worker, forum) -> None:
        def down(**asked):
            raise ForumUnavailable("no connection")

        forum.newest_posts = down
        ended = run(make_worker(), Job.POLL)

        assert (ended.note, isinstance(ended.error, ForumUnavailable)) == ("no connection", True)
        with store.reading() as connection:
            assert jobs.open_troubles(connection) == []
            (kept,) = jobs.all_jobs(connection)
        assert (kept.succeeded_at, kept.note) == (None, "no connection")

    def test_a_key_that_is_refused_waits_for_a_person_once(self, store: Store, make_worker, forum) -> None:
        def refused(**asked):
            raise ForumRefused("invalid key")

        forum.newest_posts = refused
        worker = make_worker()
        for _ in range(3):
            run(worker, Job.POLL)

        with store.reading() as connection:
            (trouble,) = jobs.open_troubles(connection)
        assert (trouble.message, trouble.times) == ("invalid key", 3)

    def test_a_trouble_that_a_person_closed_is_gone_until_it_comes_again(
        self, store: Store, make_worker, forum
    ) -> None:
        def refused(**asked):
            raise ForumRefused("invalid key")

        forum.newest_posts = refused
        run(make_worker(), Job.POLL)
        with store.writing() as connection:
            closed = jobs.close_trouble(connection, 1, by="mei", now=NOON)
            assert (closed.closed_by, jobs.open_troubles(connection)) == ("mei", [])
        run(make_worker(), Job.POLL)
        with store.reading() as connection:
            assert [one.times for one in jobs.open_troubles(connection)] == [1]


class TestStopping:
    def test_the_post_in_hand_is_finished_and_the_next_is_not_begun(self, store: Store, make_worker) -> None:
        worker = make_worker()

        def answering(question: Question) -> Answer:
            worker.stopping.set()
            return answer()

        run_once(replace(worker, answer=answering))

        assert waiting(store) == 1
        assert state_of(store, "12") is PostState.WAITING

    def test_a_pause_for_the_forum_ends_with_the_program(self) -> None:
        stopping = threading.Event()
        pausing(stopping)(0)
        stopping.set()

        with pytest.raises(ForumUnavailable, match="ending"):
            pausing(stopping)(3600)

    def test_serving_does_every_job_and_ends_when_told(self, store: Store, make_worker) -> None:
        worker = make_worker()
        done = threading.Event()

        def answering(question: Question) -> Answer:
            if waiting(store) == 2:
                done.set()
            return answer()

        thread = threading.Thread(target=serve, args=[replace(worker, answer=answering)])
        thread.start()
        try:
            assert done.wait(60)
        finally:  # no thread may go on beside other tests
            worker.stopping.set()
            thread.join(60)

        assert not thread.is_alive()
        assert waiting(store) == 3

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_asks_to_stop_and_the_second_one_would_end_the_program(self, number: signal.Signals) -> None:
        before = signal.getsignal(number)
        stopping = threading.Event()
        with stopped_by_signals(stopping):
            os.kill(os.getpid(), number)
            assert stopping.wait(5)
            assert signal.getsignal(number) is signal.SIG_DFL

        assert signal.getsignal(number) is before

    @pytest.mark.timeout(20)
    def test_a_signal_that_comes_while_a_line_is_logged_waits_for_nothing(self) -> None:
        """The log's lock is held then, by the thread in which the signal's handler runs."""

        class Interrupted(io.StringIO):
            def write(self, text: str) -> int:
                if not self.getvalue():
                    os.kill(os.getpid(), signal.SIGTERM)
                return super().write(text)

        lines = Interrupted()
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(lines))
        try:
            stopping = threading.Event()
            with stopped_by_signals(stopping):
                structlog.get_logger().info("answered")
                assert stopping.wait(5)
        finally:
            structlog.reset_defaults()

        assert "answered" in lines.getvalue()
        assert "stopping" in lines.getvalue()


class TestOnlyOne:
    def test_a_second_process_on_the_same_data_is_refused(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from bot.worker import only_one\n"
            "with only_one(Path(sys.argv[1])):\n"
            "    print('at work', flush=True); sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"at work\n"
            with pytest.raises(DatabaseBusy, match="Another autograd-bot"), only_one(tmp_path):
                pass
            other.kill()

        with only_one(tmp_path):
            pass
