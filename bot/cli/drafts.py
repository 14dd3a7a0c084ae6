"""`autograd-bot drafts`: what waits for a moderator, and deciding about it without the web page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.context import person
from bot.cli.drafts_opened import deciding, has_database, in_hand, opened, whole
from bot.errors import BadInput, ProofMissing

if TYPE_CHECKING:
    from bot.cli.context import Context
    from bot.domain.draft import Draft, RejectReason
    from bot.store.engine import Store

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
    from bot.store import queue
    from bot.store.queue import Order

    context: Context = ctx.obj
    wanted = DraftState(_one_of(state, [each.value for each in DraftState], option="--state"))
    spoken = language and Language(_one_of(language, [each.value for each in Language], option="--language"))
    found, counts = [], {}
    if has_database(context):
        with opened(context) as store, store.reading() as connection:
            found = queue.listed(
                connection,
                state=wanted,
                order=Order.SUREST if surest else Order.OLDEST,
                confusion=confusion,
                language=spoken or None,
                most=most,
            )
            counts = queue.counts(connection)
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

    context: Context = ctx.obj
    with opened(context) as store:
        found = whole(store, number)
    if json:
        context.print_json(draft_record(*found))
    else:
        show_draft(context.console, *found)


@app.command()
def approve(ctx: typer.Context, number: Number, name: Name = None, revision: Read = None) -> None:
    """Let a draft be posted, once the time in which it can be undone is over.

    Example: autograd-bot drafts approve 7
    """
    from bot import review

    context: Context = ctx.obj
    grace = context.settings.review
    with deciding(context, number, revision) as (connection, draft, now):
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
    with deciding(context, number, revision) as (connection, draft, now):
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
    with opened(context) as store, in_hand(context, store, number, by=by) as held:
        text = _edited(held.reply)
        with store.writing() as connection:
            kept = review.edit(connection, number, revision=held.revision, reply=text, by=by, now=datetime.now(UTC))
    if kept.revision == held.revision:
        context.console.print(f"Draft {number} is unchanged.")
        return
    context.console.print(f"Draft {number} has revision {kept.revision} now.")
    if not kept.proved:
        context.console.print(
            "Its code is not what was proved, so it cannot be approved. Put the proved code back, take it out,"
            f" or have it run again: autograd-bot drafts rerun {number}",
            markup=False,
        )


@app.command()
def rerun(ctx: typer.Context, number: Number, name: Name = None, json: Json = False) -> None:
    """Run a draft's edited code in the sandbox again, and keep what it proves.

    Exit code 7 when the proof does not hold; it is kept all the same, for `drafts show`.

    Example: autograd-bot drafts rerun 7
    """
    from bot.cli.drafts_shown import draft_record, show_rerun

    context: Context = ctx.obj
    by = name or person()
    with opened(context) as store, in_hand(context, store, number, by=by) as held:
        proved = held if held.proved else _run_again(context, store, held, by=by)
        if json:
            context.print_json(draft_record(*whole(store, number)))
        else:
            show_rerun(context.console, proved, ran=not held.proved)
    if not proved.proved:
        raise ProofMissing(
            f"The proof of draft {number} does not hold, so it cannot be approved. Edit it, or reject it."
        )


@app.command()
def undo(ctx: typer.Context, number: Number, name: Name = None) -> None:
    """Take back an approval or a rejection that was made just now.

    Example: autograd-bot drafts undo 7
    """
    from bot import review

    context: Context = ctx.obj
    with deciding(context, number, None) as (connection, _, now):
        review.undo(connection, number, by=name or person(), now=now, settings=context.settings.review)
    context.console.print(f"Draft {number} waits again.")


@app.command()
def retry(ctx: typer.Context, number: Number, name: Name = None) -> None:
    """Post a draft that could not be posted. What is on the forum already is found, not repeated.

    Example: autograd-bot drafts retry 7
    """
    from bot import review

    context: Context = ctx.obj
    with deciding(context, number, None) as (connection, _, now):
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
    with deciding(context, number, None) as (connection, _, now):
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
    with opened(context) as store:
        publisher = Publisher(
            store=store,
            forum=DiscourseForum(context.settings.forum),
            settings=context.settings,
            clock=lambda: datetime.now(UTC),
            marker_key=lambda: secrets.token_hex(16),
        )
        take_back(publisher, number, by=name or person(), note=note)
    context.console.print(f"The reply of draft {number} is withdrawn.")


def _run_again(context: Context, store: Store, draft: Draft, *, by: str) -> Draft:
    from bot.cli.opening import opened_pipeline
    from bot.rerun import rerun as run_again

    with opened_pipeline(context) as pipeline:
        return run_again(
            store,
            pipeline,
            draft,
            reply=draft.reply,
            revision=draft.revision,
            by=by,
            now=lambda: datetime.now(UTC),
        )


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
