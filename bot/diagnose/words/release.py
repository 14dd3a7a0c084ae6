"""The release of torch that ran."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.diagnose.view import Found, View
from bot.diagnose.vocabulary import word


@word
def torch(view: View, value: Any) -> Found | None:
    """The release that ran is in this range, e.g. ">=2.0,<3"."""
    version = _numbers(view.run.torch_version or "")
    for condition in str(value).split(","):
        sign, wanted = re.match(r"\s*([<>=!]+)\s*(.*)", condition).groups()  # type: ignore[union-attr]
        if not _COMPARE[sign](version, _numbers(wanted)):
            return None
    return Found(text=f"torch {view.run.torch_version}")


_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))
