"""The main job against the fake Discourse, as a test runs it and as a process of its own that dies.

    python -m tests.integration.whole_program DATA URL SECONDS KILL_AT

does one round of the publisher, `SECONDS` after the forum's time began, and dies without a word at boundary
`KILL_AT` of its calls to the forum and its commits. It prints the boundaries it has crossed.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.domain.answer import Answer
from bot.domain.post import Question
from bot.forum.discourse import DiscourseForum
from bot.publish import Publisher
from bot.settings import ForumSettings, PublishSettings, Settings
from bot.store.engine import Store
from bot.store.opening import open_store
from bot.worker import Job, Worker, run
from tests.fake_discourse.clock import FakeClock
from tests.fake_discourse.server import READ_KEY, WRITE_KEY
from tests.review_examples import answer, silence
from tests.unreliable import Boundaries, WatchedForum, WatchedStore

DIED = 9


@dataclass
class Deadly(Boundaries):
    """Ends the process at once at the chosen boundary: nothing is closed, nothing is said."""

    def cross(self, name: str) -> None:
        print(name, flush=True)
        self.passed.append(name)
        if len(self.passed) - 1 == self.kill_at:
            os._exit(DIED)


def stand_in(question: Question) -> Answer:
    """What the pipeline would say, without a sandbox."""
    return answer() if "backward" in question.post.raw else silence()


def settings_for(url: str) -> Settings:
    forum = ForumSettings(
        url=url,
        read_key=READ_KEY,
        write_key=WRITE_KEY,
        categories=(5,),
        reads_per_minute=60,
        seconds_between_posts=0,
        timeout_seconds=5,
    )
    return Settings(forum=forum, publish=PublishSettings())


def worker_at(store: Store, url: str, clock: FakeClock, boundaries: Boundaries) -> Worker:
    """The program as `autograd-bot poll --once` assembles it, with every way out watched."""
    settings = settings_for(url)
    real = DiscourseForum(settings.forum, clock=clock.seconds, wait=clock.wait)
    return Worker(
        publisher=Publisher(
            store=WatchedStore(store, boundaries),
            forum=WatchedForum(real, boundaries),
            settings=settings,
            clock=clock.now,
            marker_key=lambda: secrets.token_hex(16),
        ),
        answer=stand_in,
    )


if __name__ == "__main__":
    data, url, seconds, kill_at = sys.argv[1:]
    clock = FakeClock()
    clock.advance(float(seconds))
    run(worker_at(open_store(Path(data)), url, clock, Deadly(kill_at=int(kill_at))), Job.PUBLISH)
