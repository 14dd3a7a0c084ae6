"""A topic's posts as questions: each with what its author could see when writing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.domain.post import Language, Post, PostKind, Question, Topic

#: Names the course chapter (a folder of knowledge/contexts/) that a topic belongs to.
ChapterOf = Callable[[Topic], str | None]


def no_chapter(topic: Topic) -> str | None:  # noqa: ARG001 - it is a ChapterOf
    """For topics that belong to no course."""
    return None


def questions(topic: Topic, *, chapter_of: ChapterOf = no_chapter) -> Iterator[Question]:
    """Every post of the topic that a person wrote for all to read, as of its own moment."""
    for post in topic.posts:
        if readable(post):
            yield question(post, topic, chapter_of=chapter_of)


def question(
    post: Post,
    topic: Topic,
    *,
    chapter_of: ChapterOf = no_chapter,
    language: Language | None = None,
) -> Question:
    """The post with its topic's earlier posts; of later ones it knows nothing."""
    earlier = (other for other in topic.posts if other.number < post.number and readable(other))
    return Question(
        post=post,
        title=topic.title,
        earlier=tuple(earlier),
        chapter=chapter_of(topic),
        language=language,
    )


def readable(post: Post) -> bool:
    """Whether everybody may read the post: no whisper, no note of the forum itself, not hidden or deleted."""
    return post.kind is PostKind.REGULAR and not post.hidden and not post.deleted
