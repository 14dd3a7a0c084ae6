"""Leaves values in tensors where they were turned into Python numbers."""

from __future__ import annotations

from bot.repair.keeping import all_kept_in_torch, kept_in_torch

__all__ = ["all_kept_in_torch", "kept_in_torch"]
