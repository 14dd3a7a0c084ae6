"""Opens the sandbox that the settings name."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings


def open_sandbox(settings: SandboxSettings, *, data: Path | None) -> JailedSandbox:
    """The sandbox of this machine. Use it in a `with` statement, or call its `close`.

    Raises `SandboxUnavailable` when strangers' code cannot be isolated here.
    """
    return JailedSandbox(settings, data=data)
