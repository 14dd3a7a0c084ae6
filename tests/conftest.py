"""Fixtures that tests of several parts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.engine import Store
from bot.store.opening import open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database in a data directory of its own."""
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()
