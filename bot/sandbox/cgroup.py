"""A control group for each jail, where this process may make one: a second limit on memory and processes.

Version 1 is used when its memory and pids folders are writable (root). Version 2 is used when the
service manager delegated a subtree to us, which it marks on the folder. Being writable is tried, never
concluded: where anything fails there is no group, and a run says that its memory is limited by
RLIMIT_AS alone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

PREFIX = "autograd-bot-"
#: Fork server, first processes and children with all their threads.
MOST_PROCESSES = 96
#: What the fork server holds, with room for the copy that is made while its memory is put together.
SERVER_BYTES = 768 << 20
REMOVE_ATTEMPTS = 100
REMOVE_PAUSE_SECONDS = 0.01
_numbers = itertools.count()


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A control group that one jail is in."""

    folders: tuple[Path, ...]  #: one for each hierarchy
    events: Path  #: the file that counts kills for memory

    def add(self, pid: int) -> None:
        """Put a process in; what it starts from then on is in too."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def kills(self) -> int:
        """How often the kernel killed in this group because its memory was used up."""
        for line in self.events.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
        return 0

    def remove(self) -> None:
        """Take the group away. What was killed in it may need a moment to be gone."""
        for folder in self.folders:
            for _ in range(REMOVE_ATTEMPTS):
                try:
                    folder.rmdir()
                except OSError:
                    time.sleep(REMOVE_PAUSE_SECONDS)
                else:
                    break


def make(*, memory_bytes: int) -> Group | None:
    """A new group limited to `memory_bytes`, or None where none can be made."""
    name = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
    hierarchies = _own_folders(Path("/proc/self/cgroup").read_text(encoding="utf-8"), _mounts())
    for attempt in (_version_1, _version_2):
        with contextlib.suppress(OSError):
            group = attempt(hierarchies, name, memory_bytes)
            if group is not None:
                return group
    return None


def _version_1(hierarchies: dict[str, Path], name: str, memory_bytes: int) -> Group | None:
    memory, pids = hierarchies.get("memory"), hierarchies.get("pids")
    if memory is None or pids is None:
        return None
    _remove_left_overs(memory, pids)
    folders = (memory / name, pids / name)
    try:
        for folder in folders:
            folder.mkdir()
        (folders[0] / "memory.limit_in_bytes").write_text(str(memory_bytes), encoding="ascii")
        (folders[1] / "pids.max").write_text(str(MOST_PROCESSES), encoding="ascii")
    except OSError:
        for folder in folders:
            if folder.exists():
                folder.rmdir()
        raise
    return Group(folders=folders, events=folders[0] / "memory.oom_control")


def _version_2(hierarchies: dict[str, Path], name: str, memory_bytes: int) -> Group | None:
    ours = hierarchies.get("")
    if ours is None or os.getxattr(ours.parent, "user.delegate") != b"1":
        return None
    top = ours.parent  # the unit's own folder: with DelegateSubgroup= we are in one below it
    _remove_left_overs(top)
    folder = top / name
    (top / "cgroup.subtree_control").write_text("+memory +pids", encoding="ascii")
    folder.mkdir()
    try:
        (folder / "memory.max").write_text(str(memory_bytes), encoding="ascii")
        (folder / "memory.swap.max").write_text("0", encoding="ascii")
        (folder / "pids.max").write_text(str(MOST_PROCESSES), encoding="ascii")
    except OSError:
        folder.rmdir()
        raise
    return Group(folders=(folder,), events=folder / "memory.events")


def _remove_left_overs(*folders: Path) -> None:
    """Remove groups whose driver was killed; the kernel keeps those that are not empty."""
    for folder in folders:
        for left in folder.glob(f"{PREFIX}*"):
            owner = left.name.removeprefix(PREFIX).partition("-")[0]
            if not Path("/proc", owner).exists():
                with contextlib.suppress(OSError):
                    left.rmdir()


def _own_folders(listing: str, mounts: dict[str, Path]) -> dict[str, Path]:
    """The folder of our own group in each hierarchy, by controller; version 2 is named ""."""
    found = {}
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            if controller in mounts:
                found[controller] = mounts[controller] / path.lstrip("/")
    return found


def _mounts() -> dict[str, Path]:
    """Where each controller's hierarchy is mounted."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        place = Path(left.split(" ")[4])
        if kind == "cgroup2":
            found[""] = place
        elif kind == "cgroup":
            for option in options.split(" ")[-1].split(","):
                found[option] = place
    return found
