"""Fixtures for tests of the moderators' page."""

from __future__ import annotations

import pytest

from bot.store.engine import Store
from tests.review_examples import NOON
from tests.unreliable import HandClock
from tests.web.visitors import Page, make_site, open_page


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def page(store: Store, clock: HandClock) -> Page:
    """The page of an empty store, at noon."""
    return open_page(make_site(store, clock))
