"""Makes the tensor that a name holds the leaf: `requires_grad` is switched on after the last operation."""

from __future__ import annotations

from bot.repair.edits import make_leaf

__all__ = ["make_leaf"]
