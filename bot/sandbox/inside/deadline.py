"""Reports how far a program came when its time is over and it does not let go.

The driver's warning reaches Python's main thread, and raises there. One call may take longer than the driver waits
after that, and an `except:` may swallow it. So each program has a second thread from its first line on, which sends the
report in its stead: torch lets other threads run while it computes. It sleeps until then.
"""

from __future__ import annotations

import _thread
import contextlib
import math
import resource
import threading
from collections.abc import Callable
from time import monotonic, process_time, sleep
from typing import Any

from inside import kernel

#: How often at most the second thread looks at the clocks, in seconds.
LOOKS = 0.02
STACK_BYTES = 1 << 20


class Deadline:
    """The end of one run's time. `report` sends what is known by then and ends the process."""

    def __init__(self, order: dict[str, Any], report: Callable[[], None]) -> None:
        self._report = report
        self._wall = monotonic() + order["seconds"]
        processor, _ = resource.getrlimit(resource.RLIMIT_CPU)
        self._processor = math.inf if processor == resource.RLIM_INFINITY else processor
        self._patience = order["grace_seconds"] / 4
        self._reporting = _thread.allocate_lock()
        self._watch()

    def _watch(self) -> None:
        """Have a second thread look at the clocks."""
        kernel.one_heap()
        size = threading.stack_size(STACK_BYTES)
        with contextlib.suppress(RuntimeError):  # no room for one: the driver's warning is left
            _thread.start_new_thread(self._look, ())
        threading.stack_size(size)

    def claim_is_mine(self) -> None:
        """The program has ended: its own report is sent. Does not return when the other thread is sending one."""
        self._reporting.acquire()

    def _look(self) -> None:
        while (left := min(self._wall - monotonic(), self._processor - process_time())) > 0:
            sleep(max(LOOKS, left / 8))
        sleep(self._patience)  # the main thread is quicker where it may
        if self._reporting.acquire(blocking=False):
            self._report()
