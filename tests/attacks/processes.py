"""Looks at processes from outside, as the kernel shows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """The processes that this one's threads started."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # that thread alone did
                found += map(int, (thread / "children").read_text().split())
    return found


def every_descendant(pid: int) -> list[int]:
    """All processes below this one."""
    below = children_of(pid)
    return below + [lower for child in below for lower in every_descendant(child)]


def memory_kib(pid: int) -> int:
    """Private and anonymous memory."""
    return _status(pid, "RssAnon")


def open_files(pid: int) -> int:
    """How many descriptors it has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def user_of(pid: int) -> int:
    """Its effective user."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Uid:")).split()[2])


def name_of(pid: int) -> str:
    """Its short name; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def has_ended(pid: int) -> bool:
    """Whether it runs no more. An orphan may stay in the list long after, until the machine's first process reaps it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return any(line.startswith(("State:\tZ", "State:\tX")) for line in lines)


def eventually(true: Callable[[], bool], *, seconds: float = 5.0) -> bool:
    """Whether it becomes true; the kernel ends processes when it gets to it."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
