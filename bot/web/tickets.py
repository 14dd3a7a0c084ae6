"""Things of which there are few and that are used up: one-time keys, and attempts to sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

#: More than these wait at no time: the oldest give way.
_MOST = 1000


@dataclass(slots=True)
class Tickets:
    """Keys that are good once, for a while. They live in this process: a restart ends them all."""

    lasting: timedelta
    _good_until: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def issue(self, key: str, *, now: datetime) -> None:
        """The key is good from now on."""
        with self._lock:
            while len(self._good_until) >= _MOST:
                del self._good_until[next(iter(self._good_until))]
            self._good_until[key] = now + self.lasting

    def use(self, key: str, *, now: datetime) -> bool:
        """Whether the key was good; it is not any more."""
        with self._lock:
            until = self._good_until.pop(key, None)
        return until is not None and now <= until


@dataclass(slots=True)
class Attempts:
    """Who tried how often within the last minute."""

    _times: dict[str, list[datetime]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def allow(self, who: str, *, most: int, now: datetime) -> bool:
        """Whether one more attempt is allowed; it is counted when it is."""
        minute_ago = now - timedelta(minutes=1)
        with self._lock:
            recent = [time for time in self._times.pop(who, []) if time > minute_ago]
            allowed = len(recent) < most
            self._times[who] = [*recent, now] if allowed else recent
            while len(self._times) > _MOST:
                del self._times[next(iter(self._times))]
        return allowed
