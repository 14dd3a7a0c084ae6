"""A clock that tests move, shared by the fake forum and the code under test."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until it is moved. Waiting moves it, and is remembered in `waits`."""

    def __init__(self, start: datetime = datetime(2025, 3, 1, 12, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def seconds(self) -> float:
        """For code that wants a clock that only goes forward."""
        return self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds

    def wait(self, seconds: float) -> None:
        """For code that wants to wait: the time is over at once."""
        self.waits.append(seconds)
        self.advance(seconds)
