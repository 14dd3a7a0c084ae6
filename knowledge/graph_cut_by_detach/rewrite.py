"""Takes away what disconnects a tensor from its graph."""

from __future__ import annotations

from bot.repair.keeping import kept_in_torch

__all__ = ["kept_in_torch"]
