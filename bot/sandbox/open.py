"""Opens the sandbox that the settings name."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.client import JailedSandbox
from bot.sandbox.service import RemoteSandbox
from bot.settings import SandboxSettings


def open_sandbox(settings: SandboxSettings, *, data: Path | None) -> JailedSandbox | RemoteSandbox:
    """The sandbox of this machine, or the service at `settings.socket`. Close it, or use `with`.

    Raises `SandboxUnavailable` when strangers' code cannot be isolated.
    """
    if settings.socket is not None:
        return RemoteSandbox(settings.socket)
    return JailedSandbox(settings, data=data)
