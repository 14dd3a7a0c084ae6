"""A topic's posts as questions: each with what its author could see when writing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from bot.domain.post import Language, Post, PostKind, Question, Topic
from bot.forum import Forum

#: Earlier posts whose files are fetched: the one replied to and the asker's latest.
MOST_MEANT = 3

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


def with_files(question: Question, forum: Forum) -> Question:
    """The question with the text files that its post links, and those of the few posts whose code it may mean.

    Raises `ForumUnavailable` when the forum wants to be left alone; see `Forum.attached`.
    """
    post = question.post
    meant = [
        other for other in reversed(question.earlier) if other.number == post.reply_to or _same_author(other, post)
    ]
    files = {other.number: forum.attached(other) for other in meant[:MOST_MEANT]}
    earlier = tuple(
        replace(other, attachments=files.get(other.number, other.attachments)) for other in question.earlier
    )
    return replace(question, post=replace(post, attachments=forum.attached(post)), earlier=earlier)


def _same_author(one: Post, other: Post) -> bool:
    return bool(one.author) and one.author == other.author


def readable(post: Post) -> bool:
    """Whether everybody may read the post: no whisper, no note of the forum itself, not hidden or deleted."""
    return post.kind is PostKind.REGULAR and not post.hidden and not post.deleted
