"""Fixtures for tests of several parts."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.errors import SandboxUnavailable
from bot.forum.discourse import DiscourseForum
from bot.pipeline import Pipeline, pipeline
from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings, Settings
from bot.store.engine import Store
from bot.store.opening import open_store
from tests.fake_discourse import FakeDiscourse


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """What a command sets up for its log ends with the test: it writes to a stream that is closed then."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def fake_discourse() -> Iterator[FakeDiscourse]:
    """A Discourse forum of this test alone, on loopback."""
    with FakeDiscourse() as forum:
        yield forum


@pytest.fixture
def forum(fake_discourse: FakeDiscourse) -> DiscourseForum:
    """The real client of that forum, on the forum's own clock."""
    clock = fake_discourse.clock
    return DiscourseForum(fake_discourse.settings(), clock=clock.seconds, wait=clock.wait)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database in a data directory of its own."""
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[JailedSandbox]:
    """The real sandbox, one for each process of the test run."""
    try:
        opened = JailedSandbox(SandboxSettings(), data=None)
    except SandboxUnavailable as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    with opened:
        yield opened


@pytest.fixture(scope="session", name="pipeline")
def shipped_pipeline(sandbox: JailedSandbox) -> Pipeline:
    """The pipeline over the project's own entries; its clock counts the times it is asked."""
    ticks = itertools.count()
    return pipeline(Settings(), sandbox, clock=lambda: float(next(ticks)))
