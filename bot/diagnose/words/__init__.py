"""The words of `[seen]`, grouped by what they look at. `bot/diagnose/signals.py` gathers them."""
