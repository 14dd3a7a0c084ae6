"""`autograd-bot drafts`: what waits for a moderator, and deciding about it without the web page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.context import person
from bot.errors import BadInput, NotFound

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.draft import Draft, RejectReason
    from bot.store.engine import Connection, Store

app = typer.Typer(help="Drafts of replies: see what waits, and decide about it.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="Number of the draft, as `drafts list` shows it.")]
Name = Annotated[str | None, typer.Option("--as", help="Your name, for the record. Default: your login name.")]
Read = Annotated[
    int | None, typer.Option("--revision", help="The revision you have read; refused when the text has changed since.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.command("list")
def list_drafts(
    ctx: typer.Context,
    state: Annotated[str, typer.Option(help="Which drafts: pending, approved, posted, stale, failed ...")] = "pending",
    surest: Annotated[bool, typer.Option("--surest", help="Surest first, instead of oldest first.")] = False,
    confusion: Annotated[str | None, typer.Option(help="Only drafts about this confusion.")] = None,
    language: Annotated[str | None, typer.Option(help="Only drafts in this language: en or zh.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: Json = False,
) -> None:
    """List the drafts that wait, or those in another state.

    Examples:

      autograd-bot drafts list

      autograd-bot drafts list --state failed --json
    """
    from bot.cli.drafts_shown import show_list, summary_record
    from bot.domain.draft import DraftState
    from bot.domain.post import Language
    from bot.store import drafts
    from bot.store.drafts import Order

    context: Context = ctx.obj
    wanted = DraftState(_one_of(state, [each.value for each in DraftState], option="--state"))
    spoken = language and Language(_one_of(language, [each.value for each in Language], option="--language"))
    found, counts = [], {}
    if _has_database(context):
        with _opened(context) as store, store.reading() as connection:
            found = drafts.listed(
                connection,
                state=wanted,
                order=Order.SUREST if surest else Order.OLDEST,
                confusion=confusion,
                language=spoken or None,
                most=most,
            )
            counts = drafts.counts(connection)
    if json:
        for one in found:
            context.print_json(summary_record(one))
        return
    show_list(context.console, found, state=wanted, counts=counts, now=datetime.now(UTC))


@app.command()
def show(ctx: typer.Context, number: Number, json: Json = False) -> None:
    """Show a draft: the question, what its code did, the proof, the reply, and what was decided.

    Example: autograd-bot drafts show 7
    """
    from bot.cli.drafts_shown import draft_record, show_draft
    from bot.store import decisions, drafts, replies

    context: Context = ctx.obj
    with _opened(context) as store, store.reading() as connection:
        draft = drafts.get(connection, number)
        history = decisions.of_draft(connection, number)
        outcomes = replies.outcomes_of(connection, number)
    if json:
        context.print_json(draft_record(draft, history, outcomes))
    else:
        show_draft(context.console, draft, history, outcomes)


@app.command()
def approve(ctx: typer.Context, number: Number, name: Name = None, revision: Read = None) -> None:
    """Let a draft be posted, once the time in which it can be undone is over.

    Example: autograd-bot drafts approve 7
    """
    from bot import review

    context: Context = ctx.obj
    grace = context.settings.review
    with _deciding(context, number, revision) as (connection, draft, now):
        approved = review.approve(
            connection, number, revision=draft.revision, by=name or person(), now=now, settings=grace
        )
    moment = f"{approved.post_after:%H:%M:%S} UTC" if approved.post_after else "now"
    context.console.print(f"Draft {number} is approved and will be posted after {moment}.")
    context.console.print(f"Until then it can be undone: autograd-bot drafts undo {number}", markup=False)


@app.command()
def reject(
    ctx: typer.Context,
    number: Number,
    reason: Annotated[str | None, typer.Option(help="Why; `drafts reject NUMBER` alone lists the codes.")] = None,
    note: Annotated[str, typer.Option(help="In your own words, for the record.")] = "",
    name: Name = None,
    revision: Read = None,
) -> None:
    """Decide that a draft is not posted, with a reason code.

    Example: autograd-bot drafts reject 7 --reason wrong_diagnosis --note "the slice is the cause"
    """
    from bot import review

    context: Context = ctx.obj
    code = _reason(reason)
    with _deciding(context, number, revision) as (connection, draft, now):
        review.reject(connection, number, revision=draft.revision, reason=code, note=note, by=name or person(), now=now)
    context.console.print(f"Draft {number} is rejected: {code.value}.")


@app.command()
def edit(ctx: typer.Context, number: Number, name: Name = None) -> None:
    """Open a draft's reply in $EDITOR and keep what you save as its next revision.

    Code that you change has no proof any more, and cannot be approved.

    Example: EDITOR=nano autograd-bot drafts edit 7
    """
    from bot import review

    context: Context = ctx.obj
    by = name or person()
    with _opened(context) as store:
        with store.writing() as connection:
            held = review.claim(connection, number, by=by, now=datetime.now(UTC), settings=context.settings.review)
        try:
            text = _edited(held.reply)
            with store.writing() as connection:
                kept = review.edit(connection, number, revision=held.revision, reply=text, by=by, now=datetime.now(UTC))
        finally:
            with store.writing() as connection:
                review.release_if_held(connection, number, by=by)
    if kept.revision == held.revision:
        context.console.print(f"Draft {number} is unchanged.")
        return
    context.console.print(f"Draft {number} has revision {kept.revision} now.")
    if not kept.proved:
        context.console.print(
            "Its code is not what was proved, so it cannot be approved. Put the proved code back, take it out,"
            " or have it run again on the moderators' page."
        )


@app.command()
def undo(ctx: typer.Context, number: Number, name: Name = None) -> None:
    """Take back an approval or a rejection that was made just now.

    Example: autograd-bot drafts undo 7
    """
    from bot import review

    context: Context = ctx.obj
    with _deciding(context, number, None) as (connection, _, now):
        review.undo(connection, number, by=name or person(), now=now, settings=context.settings.review)
    context.console.print(f"Draft {number} waits again.")


@app.command()
def retry(ctx: typer.Context, number: Number, name: Name = None) -> None:
    """Post a draft that could not be posted. What is on the forum already is found, not repeated.

    Example: autograd-bot drafts retry 7
    """
    from bot import review

    context: Context = ctx.obj
    with _deciding(context, number, None) as (connection, _, now):
        review.retry(connection, number, by=name or person(), now=now, settings=context.settings.review)
    context.console.print(f"Draft {number} will be posted again.")


@app.command()
def drop(
    ctx: typer.Context,
    number: Number,
    note: Annotated[str, typer.Option(help="In your own words, for the record.")] = "",
    name: Name = None,
) -> None:
    """Give up a draft that waits, is stale, or could not be posted.

    Example: autograd-bot drafts drop 7 --note "solved in chat"
    """
    from bot import review

    context: Context = ctx.obj
    with _deciding(context, number, None) as (connection, _, now):
        review.drop(connection, number, by=name or person(), now=now, note=note)
    context.console.print(f"Draft {number} is dropped.")


@app.command()
def withdraw(
    ctx: typer.Context,
    number: Number,
    note: Annotated[str, typer.Option(help="In your own words, for the record.")] = "",
    name: Name = None,
) -> None:
    """Take the posted reply back from the forum.

    Example: autograd-bot drafts withdraw 7 --note "the diagnosis was wrong"
    """
    import secrets

    from bot.forum.discourse import DiscourseForum
    from bot.publish import Publisher
    from bot.publish import withdraw as take_back

    context: Context = ctx.obj
    with _opened(context) as store:
        publisher = Publisher(
            store=store,
            forum=DiscourseForum(context.settings.forum),
            settings=context.settings,
            clock=lambda: datetime.now(UTC),
            marker_key=lambda: secrets.token_hex(16),
        )
        take_back(publisher, number, by=name or person(), note=note)
    context.console.print(f"The reply of draft {number} is withdrawn.")


def _has_database(context: Context) -> bool:
    from bot.store.engine import database_file

    return database_file(context.data).exists()


@contextmanager
def _opened(context: Context) -> Iterator[Store]:
    """The database; a command that looks for a draft does not make one."""
    from bot.store.opening import open_store

    if not _has_database(context):
        raise NotFound(f"{context.data} holds no drafts yet. `autograd-bot replay PATH` or `poll --once` makes some.")
    store = open_store(context.data)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _deciding(context: Context, number: int, revision: int | None) -> Iterator[tuple[Connection, Draft, datetime]]:
    """One transaction, the draft as the person has read it, and the time."""
    from dataclasses import replace

    from bot.store import drafts

    with _opened(context) as store, store.writing() as connection:
        draft = drafts.get(connection, number)
        yield connection, replace(draft, revision=revision or draft.revision), datetime.now(UTC)


def _reason(code: str | None) -> RejectReason:
    from bot.domain.draft import RejectReason

    codes = [each.value for each in RejectReason]
    if code is None:
        raise BadInput(f"A rejection needs a reason. Add --reason with one of: {', '.join(codes)}.")
    return RejectReason(_one_of(code, codes, option="--reason"))


def _one_of(value: str, known: list[str], *, option: str) -> str:
    if value not in known:
        raise BadInput(f"{option} {value!r} is unknown. It takes one of: {', '.join(known)}.")
    return value


def _edited(text: str) -> str:
    """What the person made of the text; the text itself when the editor was left without saving."""
    import click

    try:
        return click.edit(text, extension=".md") or text
    except click.ClickException as error:
        raise BadInput(f"{error.format_message()} The draft is unchanged. Name an editor in $EDITOR.") from error
