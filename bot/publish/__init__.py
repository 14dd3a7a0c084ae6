"""What happens to a draft outside the moderators' hands, on a forum that offers no key to post exactly once.

`sending.py` makes a reply of an approved draft, `check.py` says when it must not, `watch.py` looks at what
became of it, and at the questions of drafts that wait.
"""

from __future__ import annotations

from bot.publish.check import MARKER_BEGIN, reason_not_to_post
from bot.publish.sending import Publisher, Step, publish, withdraw
from bot.publish.watch import watch

__all__ = ["MARKER_BEGIN", "Publisher", "Step", "publish", "reason_not_to_post", "watch", "withdraw"]
