"""What changed between two runs of `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.evaluate.marking import Mark

_SHARES = ("family_precision", "precision", "family_recall", "recall", "false_alarms", "abstention")
Record = Mapping[str, Any]


def changes(before: Record, after: Record) -> dict[str, Any]:
    """The shares that differ, by table, and the posts that were answered otherwise, in the order of `after`.

    A post's change is "better", "worse" or "other". Posts that only one of the runs knows are listed by id.
    """
    old = {one["id"]: one for one in before["answers"]}
    new = {one["id"]: one for one in after["answers"]}
    both = [(old[name], one) for name, one in new.items() if name in old]
    return {
        "figures": [
            {"table": table, "figure": figure, "before": was, "after": now}
            for table in after["tables"]
            for figure in _SHARES
            if (was := before["tables"][table][figure]) != (now := after["tables"][table][figure])
        ],
        "posts": [
            {
                "id": now["id"],
                "title": now["title"],
                "change": _direction(Mark(was["mark"]), Mark(now["mark"])),
                "before": {"mark": was["mark"], "drafted": was["drafted"], "reason": was["reason"]},
                "after": {"mark": now["mark"], "drafted": now["drafted"], "reason": now["reason"]},
            }
            for was, now in both
            if (was["mark"], was["drafted"]) != (now["mark"], now["drafted"])
        ],
        "only_before": [name for name in old if name not in new],
        "only_after": [name for name in new if name not in old],
    }


def _direction(was: Mark, now: Mark) -> str:
    rank = {
        Mark.FALSE_ALARM: 0,
        Mark.WRONG: 0,
        Mark.MISSED: 1,
        Mark.NEITHER: 2,
        Mark.FAMILY: 3,
        Mark.SILENT: 4,
        Mark.RIGHT: 4,
    }
    if rank[was] == rank[now]:
        return "other"
    return "better" if rank[now] > rank[was] else "worse"
