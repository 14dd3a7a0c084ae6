"""What changed between two runs of `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.evaluate.figures import tables_of
from bot.evaluate.marking import Mark

_SHARES = ("family_precision", "precision", "family_recall", "recall", "false_alarms", "abstention")
Record = Mapping[str, Any]


def changes(before: Record, after: Record) -> dict[str, Any]:
    """What differs in the answers to the posts that both runs know: shares by table, and posts in the order of `after`.

    A post's change is "better", "worse" or "other". Posts that only one of the runs knows are listed by id; a post with
    another title or other labels is another post. `corpora` is None where both answered the same posts.
    """
    old = {_identity(one): one for one in before["answers"]}
    new = {_identity(one): one for one in after["answers"]}
    both = [(old[post], one) for post, one in new.items() if post in old]
    only_before = [one["id"] for post, one in old.items() if post not in new]
    only_after = [one["id"] for post, one in new.items() if post not in old]
    return {
        "corpora": _corpora(before, after, compared=len(both)) if only_before or only_after else None,
        "figures": _differing_shares([was for was, _ in both], [now for _, now in both]),
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
        "only_before": only_before,
        "only_after": only_after,
    }


def _identity(answer: Record) -> tuple[str, str, tuple[str, ...]]:
    return answer["id"], answer["title"], tuple(answer["labels"])


def _corpora(before: Record, after: Record, *, compared: int) -> dict[str, Any]:
    return {
        "before": {"corpus": before["corpus"], "posts": before["posts"]},
        "after": {"corpus": after["corpus"], "posts": after["posts"]},
        "compared": compared,
    }


def _differing_shares(before: Sequence[Record], after: Sequence[Record]) -> list[dict[str, Any]]:
    """The shares that differ between two lists of answers to the same posts."""
    old, new = tables_of(before), tables_of(after)
    return [
        {"table": table, "figure": figure, "before": was, "after": now}
        for table in new
        for figure in _SHARES
        if (was := old[table][figure]) != (now := new[table][figure])
    ]


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
