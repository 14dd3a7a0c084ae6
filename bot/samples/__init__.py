"""A small forum that ships with the program: four threads, to try it on without a forum of one's own.

Every post was written for it; nobody's real post is among them.
"""

from __future__ import annotations

from pathlib import Path


def sample_forum() -> Path:
    """The folder of the sample forum's topics, one JSON file each, as Discourse serves them with `include_raw=1`."""
    return Path(__file__).with_name("forum")
