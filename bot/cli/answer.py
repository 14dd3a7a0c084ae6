"""`autograd-bot answer`: one post, or a file of them, to drafts with their evidence. Nothing is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import BadInput, NotFound

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.post import Question
    from bot.pipeline import Pipeline


def answer(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(help="The post as raw Markdown; - reads standard input.")] = "-",
    title: Annotated[str, typer.Option(help="The title of its topic.")] = "",
    topic: Annotated[
        Path | None, typer.Option(help="A topic as /t/NUMBER.json?include_raw=1 gives it; answers --post in it.")
    ] = None,
    post: Annotated[int | None, typer.Option(help="Number of the post within --topic.")] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(help='Answer each line {"id", "title", "body"} (also "topic", "lang"); prints an object a line.'),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Answer one post: run its code, find the cause, mend it, prove it, and draft the reply.

    Examples:

      autograd-bot answer post.md

      pbpaste | autograd-bot answer --json

      autograd-bot answer --topic thread.json --post 12

      autograd-bot answer --jsonl posts.jsonl > answers.jsonl
    """
    from bot.cli.opening import opened_pipeline
    from bot.domain.answer import answer_record

    context: Context = ctx.obj
    if jsonl is not None and (file != "-" or title or topic is not None or post is not None):
        raise BadInput(
            "--jsonl brings its own posts, titles and topics: give it without FILE, --title, --topic, --post."
        )
    if topic is not None and (file != "-" or title):
        raise BadInput("--topic brings the post and its title: give it without FILE and --title.")
    if jsonl is not None:
        with opened_pipeline(context) as pipeline:
            _answer_lines(context, pipeline, jsonl)
        return
    question = _question(file, title=title, topic=topic, number=post)
    with opened_pipeline(context) as pipeline:
        made = pipeline.answer(question)
    if json:
        context.print_json(answer_record(made))
    else:
        from bot.cli.show import show_answer

        show_answer(context.console, made)


def _question(file: str, *, title: str, topic: Path | None, number: int | None) -> Question:
    from bot.cli.opening import chapter_finder, read_text
    from bot.domain.post import Post, Question, Topic
    from bot.forum.archive import read_topic
    from bot.forum.questions import question

    if topic is None:
        if number is not None:
            raise BadInput("--post needs --topic FILE: the thread that the post stands in.")
        text = read_text(file)
        return Question(post=Post(id="1", raw=text), title=title, chapter=chapter_finder()(Topic(id="", title=title)))
    if number is None:
        raise BadInput("--topic needs --post N: the number of the post to answer.")
    thread = read_topic(topic)
    found = thread.post(number)
    if found is None:
        there = ", ".join(str(one.number) for one in thread.posts[:40])
        raise NotFound(f"{topic} has no post {number}. It has: {there}.")
    return question(found, thread, chapter_of=chapter_finder())


def _answer_lines(context: Context, pipeline: Pipeline, path: Path) -> None:
    from bot.cli.opening import chapter_finder
    from bot.domain.answer import answer_record
    from bot.forum.archive import read_lines

    try:
        lines = path.open("rb") if str(path) != "-" else typer.get_binary_stream("stdin")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}. Give a file of JSON lines.") from error
    with lines:
        for entry in read_lines(lines, source=str(path), chapter_of=chapter_finder()):
            if entry.question is None:
                context.print_json({"id": entry.id, "error": str(entry.error)})
            else:
                context.print_json(answer_record(pipeline.answer(entry.question)))
