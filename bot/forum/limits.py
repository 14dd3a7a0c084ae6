"""How often the forum may be asked, decided by us before the forum has to."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

#: Seconds of a clock that only goes forward.
Clock = Callable[[], float]


class TokenBucket:
    """Hands out permissions: `burst` at once, then one every `seconds`.

    A permission that is not there yet is promised: whoever takes it waits as long as `take` says.
    Threads may share a bucket.
    """

    def __init__(self, *, seconds: float, burst: int = 1, clock: Clock) -> None:
        self._seconds = seconds
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._counted_at = clock()
        self._lock = Lock()

    def take(self) -> float:
        """Take a permission and learn how many seconds from now it begins."""
        if self._seconds <= 0:
            return 0.0
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._counted_at) / self._seconds)
            self._counted_at = now
            self._tokens -= 1
            return max(0.0, -self._tokens * self._seconds)


class Pause:
    """Until when the forum asked to be left alone. Shared by all of a site's clients: its limits count together."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._until = clock()

    def ask(self, seconds: float) -> None:
        """The forum wants no request in the next `seconds`; a shorter wish does not shorten a longer one."""
        self._until = max(self._until, self._clock() + seconds)

    def left(self) -> float:
        """Seconds until requests are welcome again."""
        return max(0.0, self._until - self._clock())
