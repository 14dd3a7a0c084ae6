"""The filter's list."""

from __future__ import annotations

import platform

import pytest

from bot.errors import SandboxUnavailable
from bot.sandbox import seccomp


def test_every_name_on_the_list_is_a_call_of_this_machine() -> None:
    assert [name for name in seccomp.ALLOWED if seccomp.number_of(name) < 0] == []


def test_no_name_is_on_the_list_twice() -> None:
    names = [*seccomp.ALLOWED, *seccomp.ABSENT, *seccomp.snippet_filter().arguments]

    assert len(names) == len(set(names))


def test_a_call_that_nobody_has_is_left_out_of_the_filter() -> None:
    made = seccomp.build(["read", "no_such_call"])

    assert made.allowed == ("read",)
    assert len(made.program) % 8 == 0


def test_a_machine_that_was_never_tried_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    with pytest.raises(SandboxUnavailable, match="never tried on riscv64"):
        seccomp.build(seccomp.ALLOWED)
