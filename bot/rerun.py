"""Running the code of an edited reply again, so that it has a proof of its own: for the page and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt

from bot import review
from bot.domain.answer import Answer
from bot.domain.draft import Draft
from bot.domain.post import Attachment, Post, Question
from bot.draft import markdown as writing
from bot.draft.render import output_of
from bot.errors import BadInput
from bot.pipeline import Pipeline
from bot.store.engine import Connection, Store

#: More pieces of code than a reply ever needs are not run.
MOST_RUN = 4


def rerun(
    store: Store,
    pipeline: Pipeline,
    draft: Draft,
    *,
    reply: str,
    revision: int,
    by: str,
    now: Callable[[], datetime],
) -> Draft:
    """The draft with this text and the evidence of its code, every piece of which was run that had no proof.

    What the code printed now stands below it where output stood before. Text and evidence are kept
    together, also when the proof does not hold: then `Draft.proved` is False. Raises `BadInput` for a
    text that cannot be kept or holds too much code, `ReviewError` as `review.edit` does, and
    `SandboxError` when code cannot be run; then nothing is kept.
    """
    with store.reading() as connection:
        pieces = unproved(connection, draft, reply)
    if len(pieces) > MOST_RUN:
        raise BadInput(f"The reply holds {len(pieces)} pieces of code without a proof; at most {MOST_RUN} are run.")
    first = next(iter(review.code_in(reply)), None)
    answers = []
    for code in pieces:
        # The first piece of a reply is the asker's program, mended; further ones are examples of their own.
        answer = _proved(pipeline, draft, code, beside_the_askers=code == first)
        reply = with_new_output(reply, code, answer)
        answers.append(answer)
    with store.writing() as connection:
        edited = review.edit(connection, draft.id, revision=revision, reply=reply, by=by, now=now())
        for answer in reversed(answers):  # the draft rests on the first piece
            evidence = replace(answer, reply=edited.reply)
            edited = review.reprove(connection, draft.id, revision=edited.revision, answer=evidence, by=by, now=now())
    return edited


def unproved(connection: Connection, draft: Draft, reply: str) -> list[str]:
    """The pieces of code in a reply that no evidence for the draft's question holds for, each once."""
    return [
        code
        for code in dict.fromkeys(review.code_in(reply))
        if not review.is_proved(
            connection,
            writing.fenced(code, "python"),
            post_id=draft.post_id,
            question_sha256=draft.question_sha256,
        )
    ]


def asked(draft: Draft, pipeline: Pipeline) -> Question:
    """The question that the draft answers, with the posts and the files it leaned on then."""
    evidence = _record(draft).get("evidence") or {}
    thread = evidence.get("thread") or ()
    earlier = tuple(
        Post(
            id="",
            raw=post["raw"],
            topic_id=draft.topic_id,
            number=post["number"],
            author=post["author"],
            attachments=_files(post),
        )
        for post in thread
    )
    known = pipeline.settings.forum.chapters.get(draft.topic_id)
    return Question(
        post=Post(
            id=draft.post_id,
            raw=draft.question,
            topic_id=draft.topic_id,
            number=draft.post_number,
            author=draft.asker,
            reply_to=next((post["number"] for post in thread if post.get("replied_to")), None),
            category_id=draft.category_id,
            attachments=_files(evidence),
        ),
        title=draft.topic_title,
        earlier=earlier,
        chapter=known or pipeline.contexts.chapter_of(draft.topic_title),
        language=draft.language,
    )


def with_new_output(reply: str, code: str, answer: Answer) -> str:
    """The reply with what the code printed now, where a block of output stands right below the code."""
    if answer.after is None:
        return reply
    fences = [token for token in MarkdownIt("commonmark").parse(reply) if token.type == "fence"]
    for fence, below in pairwise(fences):
        if fence.content == code and below.info.strip() == "text" and fence.level == below.level == 0:
            assert below.map is not None
            lines = reply.split("\n")
            shown = writing.fenced(output_of(code, answer.after), "text").split("\n")
            return "\n".join([*lines[: below.map[0]], *shown, *lines[below.map[1] :]])
    return reply


def _proved(pipeline: Pipeline, draft: Draft, code: str, *, beside_the_askers: bool) -> Answer:
    record = _record(draft)
    snippet = record.get("snippet") or {}
    original = snippet.get("code") if beside_the_askers and record.get("before") else None
    return pipeline.prove(code, question=asked(draft, pipeline), confusion=draft.confusion, original=original)


def _files(record: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """The text files that a record names; older records name none."""
    return tuple(Attachment(name=name, text=text) for name, text in (record.get("files") or {}).items())


def _record(draft: Draft) -> Mapping[str, Any]:
    record: Mapping[str, Any] = json.loads(draft.record)
    return record
