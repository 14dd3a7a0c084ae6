"""Answering all posts of a corpus, in several threads, and marking each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bot.domain.answer import Answer
from bot.domain.post import Question
from bot.evaluate.corpus import Families, Labelled
from bot.evaluate.marking import Marked, marked


def evaluate(
    posts: Sequence[Labelled], answer: Callable[[Question], Answer], families: Families, *, threads: int = 1
) -> Iterator[Marked]:
    """Every post's answer, marked, in the order of the posts.

    When the caller stops early, or is interrupted, posts that were not begun are not begun any more.
    """
    with ThreadPoolExecutor(max_workers=threads) as pool:
        answers = [pool.submit(answer, post.question) for post in posts]
        try:
            for post, one in zip(posts, answers, strict=True):
                yield marked(post, one.result(), families)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
