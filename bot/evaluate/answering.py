"""Answering all posts of a corpus, and marking each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bot.domain.answer import Answer
from bot.domain.post import Question
from bot.evaluate.corpus import Families, Labelled
from bot.evaluate.marking import Marked, marked


def evaluate(posts: Iterable[Labelled], answer: Callable[[Question], Answer], families: Families) -> Iterator[Marked]:
    """Every post's answer, marked, in the order of the posts; a post is begun when the caller asks for its mark.

    One after the other: in Python 3.11 two threads that parse code at once may fail with a `SystemError`.
    """
    for post in posts:
        yield marked(post, answer(post.question), families)
