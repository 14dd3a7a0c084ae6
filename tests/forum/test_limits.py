"""How often we ask by ourselves."""

from bot.forum.limits import Pause, TokenBucket
from tests.fake_discourse import FakeClock


def test_a_burst_passes_at_once_and_then_one_permission_comes_every_few_seconds():
    clock = FakeClock()
    bucket = TokenBucket(seconds=6, burst=3, clock=clock.seconds)

    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 6, 12]


def test_permissions_come_back_with_time_and_never_exceed_the_burst():
    clock = FakeClock()
    bucket = TokenBucket(seconds=6, burst=2, clock=clock.seconds)
    bucket.take()
    bucket.take()

    clock.advance(9)
    assert bucket.take() == 0
    assert bucket.take() == 3

    clock.advance(1000)
    assert [bucket.take() for _ in range(3)] == [0, 0, 6]


def test_a_spacing_of_zero_never_waits():
    bucket = TokenBucket(seconds=0, clock=FakeClock().seconds)

    assert [bucket.take() for _ in range(100)] == [0] * 100


def test_a_shorter_wish_does_not_shorten_a_longer_pause():
    clock = FakeClock()
    pause = Pause(clock=clock.seconds)

    pause.ask(60)
    pause.ask(5)
    clock.advance(20)

    assert pause.left() == 40
    clock.advance(100)
    assert pause.left() == 0
