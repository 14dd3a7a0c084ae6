"""Joins tensors, or uses them as they are, where their numbers were copied."""

from __future__ import annotations

from bot.repair.keeping import all_kept_in_torch, kept_in_torch

__all__ = ["all_kept_in_torch", "kept_in_torch"]
