"""Reports how far a program came when its time is over and it does not let go.

The driver's warning reaches Python's main thread, and raises there. One step of a training may take longer than the
driver waits after that, and an `except:` may swallow it. So a program that has worked for a while gets a second thread,
which sends the report in its stead: torch lets other threads run while it computes. Short runs never have that thread.
"""

from __future__ import annotations

import _thread
import contextlib
import math
import resource
import signal
import threading
from collections.abc import Callable
from time import monotonic, process_time, sleep
from typing import Any

from inside import kernel

#: Seconds of work after which the second thread is started; and how often at most it looks at the clocks.
WORKED = 0.25
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
        self._watched = False
        signal.signal(signal.SIGVTALRM, lambda *_: self.watch())
        signal.setitimer(signal.ITIMER_VIRTUAL, WORKED)

    def watch(self) -> None:
        """Have a second thread look at the clocks; for the main thread."""
        if self._watched:
            return
        self._watched = True
        kernel.one_heap()
        size = threading.stack_size(STACK_BYTES)
        with contextlib.suppress(RuntimeError, MemoryError):  # the program has taken all threads, or all memory
            _thread.start_new_thread(self._look, ())
        threading.stack_size(size)

    def claim_is_mine(self) -> None:
        """The program has ended: its own report is sent. Does not return when the other thread is sending one."""
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self._reporting.acquire()

    def _look(self) -> None:
        while (left := min(self._wall - monotonic(), self._processor - process_time())) > 0:
            sleep(max(LOOKS, left / 8))
        sleep(self._patience)  # the main thread is quicker where it may
        if self._reporting.acquire(blocking=False):
            self._report()
