"""`autograd-bot knowledge`: the entries, for people who look after them and need not program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.errors import KnowledgeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.cli.context import Context
    from bot.coverage import Coverage
    from bot.domain.confusion import Confusion
    from bot.domain.post import Question
    from bot.library import Library
    from bot.pipeline import Pipeline

app = typer.Typer(help="The knowledge base: one folder for each confusion.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of an entry, e.g. non_leaf_grad.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def entry_record(entry: Confusion, library: Library) -> dict[str, Any]:
    """An entry in a list, as `--json` prints it; `over`: it is an admin's and lies over one of the project's."""
    return {
        "name": entry.name,
        "family": entry.family,
        "kind": entry.kind.value,
        "title": {language.value: text for language, text in entry.title.items()},
        "own": entry.own,
        "over": library.covered_by(entry) is not None,
    }


@app.command("list")
def list_entries(ctx: typer.Context, json: AsJson = False) -> None:
    """List the entries.

    Example: autograd-bot knowledge list
    """
    from rich.table import Table

    from bot.cli.opening import read_entries, rulings
    from bot.cli.terminal import plain
    from bot.domain.confusion import Ruling
    from bot.domain.post import Language

    context: Context = ctx.obj
    library = read_entries(context)
    if json:
        context.print_json([entry_record(entry, library) for entry in library])
        return
    retired = {name for name, one in rulings(context).items() if one.ruling is Ruling.RETIRED}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("name", "family", "kind", "whose", "title"):
        table.add_column(column)
    for entry in library:
        title = plain(entry.title[Language.ENGLISH])
        whose = _whose(entry, library) + (", retired" if entry.name in retired else "")
        table.add_row(entry.name, entry.family, entry.kind.value, whose, title)
    context.console.print(table)


def _whose(entry: Confusion, library: Library) -> str:
    if entry.own:
        return "the project's"
    return "yours, over the project's" if library.covered_by(entry) is not None else "yours"


@app.command()
def show(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Show one entry as a page of the book: explanations, what is seen, fixes, cases.

    Example: autograd-bot knowledge show non_leaf_grad
    """
    from bot.cli.opening import read_entries
    from bot.cli.show import heading
    from bot.cli.terminal import plain
    from bot.domain.post import Language

    context: Context = ctx.obj
    library = read_entries(context, asked=name)
    entry = library.get(name)
    file = (entry.folder / "confusion.toml").read_text(encoding="utf-8")
    if json:
        explained = {language.value: text for language, text in entry.explain.items()}
        cases = {case.path.name: case.text() for case in entry.cases}
        context.print_json({**entry_record(entry, library), "explain": explained, "file": file, "cases": cases})
        return
    console = context.console
    for language in Language:
        heading(console, f"{entry.title[language]} ({language.value})")
        console.print(plain(entry.explain[language].strip()))
    heading(console, "file")
    console.print(plain(file.strip()))
    for case in entry.cases:
        heading(console, case.path.name)
        console.print(plain(case.text().strip()))


@app.command()
def check(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One entry; without it, all.")] = None,
    json: AsJson = False,
) -> None:
    """Check that entries keep their promises, by running their cases.

    Of an entry of yours that lies over one of the project's, it also says which of the project's cases are lost
    with it; that alone is no fault.

    Example: autograd-bot knowledge check non_leaf_grad
    """
    from bot.cli.opening import opened_pipeline, read_entries

    context: Context = ctx.obj
    read_entries(context, asked=name)
    broken = 0
    with opened_pipeline(context, as_ruled=False) as pipeline:
        library = pipeline.library
        for entry in [library.get(name)] if name else list(library):
            record = checked(entry, pipeline)
            broken += len(record["problems"])
            if json:
                context.print_json(record)
            else:
                show_checked(context, record)
    left_out = [] if name else [one.name for one in library.left_out]
    if left_out:
        raise KnowledgeError(f"not well formed, see above: {', '.join(left_out)}; {broken} promises are not kept.")
    if broken:
        raise KnowledgeError(f"{broken} promises are not kept; see the list above.")


def checked(entry: Confusion, pipeline: Pipeline) -> dict[str, Any]:
    """What is wrong with an entry, and which cases of the project's entry under it are lost, as `check --json` prints it."""
    from bot.promises import broken_promises, lost_cases

    under = pipeline.library.covered_by(entry)
    return {
        "name": entry.name,
        "problems": list(broken_promises(entry, pipeline)),
        "lost": list(lost_cases(entry, under, pipeline)) if under is not None else [],
    }


def show_checked(context: Context, record: Mapping[str, Any]) -> None:
    """The same for people."""
    context.console.print(f"{record['name']}: {'' if record['problems'] else 'ok'}", markup=False)
    for problem in record["problems"]:
        context.console.print(f"  {problem}", markup=False)
    if record["lost"]:
        told = "it lies over the project's entry, and loses what that can do with its own cases:"
        context.console.print(f"  {told}", markup=False)
    for problem in record["lost"]:
        context.console.print(f"    {problem}", markup=False)


@app.command("try")
def try_entry(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Run an entry's cases in the sandbox and print the replies in both languages.

    With `--json` one object a reply: the keys of `answer`, its `id` the name of the case's file.

    Example: autograd-bot knowledge try second_derivative
    """
    from bot.cli.opening import opened_pipeline, read_entries
    from bot.cli.show import heading, show_answer
    from bot.domain.answer import answer_record

    context: Context = ctx.obj
    entry = read_entries(context, asked=name).get(name)
    with opened_pipeline(context, as_ruled=False) as pipeline:
        for question in _questions(entry):
            made = pipeline.answer(question)
            if json:
                context.print_json(answer_record(made))
            else:
                heading(context.console, f"━━ {made.id} ({made.language.value})")
                show_answer(context.console, made)


def _questions(entry: Confusion) -> Iterator[Question]:
    """The entry's cases as posts, those that are not in one language in each."""
    from bot.domain.post import Language, Post, Question

    for case in entry.cases:
        if case.role in ("failing", "asked"):
            text = f"```python\n{case.text()}```\n" if case.path.suffix == ".py" else case.text()
            for language in (case.language,) if case.language else tuple(Language):
                yield Question(post=Post(id=case.path.name, raw=text), language=language)


@app.command()
def words(ctx: typer.Context, json: AsJson = False) -> None:
    """Explain the words that [seen] may hold.

    Example: autograd-bot knowledge words
    """
    import inspect

    from bot.diagnose.signals import WORDS

    context: Context = ctx.obj
    told = {name: " ".join((inspect.getdoc(function) or "").split()) for name, function in sorted(WORDS.items())}
    told["any"] = "A list of tables of which one must hold."
    told["not"] = "A table of which no line may hold."
    if json:
        context.print_json(told)
        return
    for name, text in told.items():
        context.console.print(f"[bold]{name}[/bold]", end="  ")
        context.console.print(text, markup=False)


@app.command()
def coverage(
    ctx: typer.Context,
    missing: Annotated[bool, typer.Option("--missing", help="Also list what is not covered.")] = False,
    json: AsJson = False,
) -> None:
    """Tell what share of torch's autograd messages, and of the silent confusions, the entries know, by running.

    To know a message is more than to answer it: the mere quotation of a rare one is answered only where the setting
    answer.rare_messages is on. What is answered by default has its own columns.

    Example: autograd-bot knowledge coverage --missing
    """
    from dataclasses import asdict

    from bot.cli.opening import opened_pipeline
    from bot.coverage import coverage as measured

    context: Context = ctx.obj
    with opened_pipeline(context, as_ruled=False) as pipeline:
        found = measured(pipeline)
    if json:
        shares = {name: found.share(*chosen) for name, chosen in _TIERS.items()} | {"silent": found.silent_share()}
        context.print_json({"shares": shares, "by_default": _by_default(found),
                            "messages": [asdict(one) for one in found.messages],
                            "silent": [asdict(one) for one in found.silent]})  # fmt: skip
        return
    show_coverage(context, found, missing=missing)


_TIERS = {"tier 1": (1,), "tier 1+2": (1, 2), "all": (1, 2, 3)}


def _by_default(found: Coverage) -> dict[str, dict[str, tuple[int, int]]]:
    """What is answered with the settings as they come, by tier: in all, the quotation alone, a program's run."""
    return {
        name: {
            "answered": found.answered_share(*tiers),
            "quoted": found.quoted_share(*tiers),
            "run": found.shown_share(*tiers),
        }
        for name, tiers in _TIERS.items()
    }


def show_coverage(context: Context, found: Coverage, *, missing: bool) -> None:
    """The table, and with `missing` what is not covered."""
    from rich.table import Table

    def share(part: int, whole: int) -> str:
        return f"{part} ({100 * part / max(whole, 1):.1f} %)"

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("what", "of", "known", "answered by default", "when only quoted", "when a run shows it"):
        table.add_column(column)
    for name, shares in _by_default(found).items():
        known, total = found.share(*_TIERS[name])
        table.add_row(name, str(total), share(known, total), *(share(*one) for one in shares.values()))
    silent, total = found.silent_share()
    table.add_row("silent", str(total), share(silent, total), share(silent, total), "–", share(silent, total))
    context.console.print(table)
    rare = sum(one.rare and not one.shown_by for one in found.messages)
    context.console.print(
        f"{rare} of the known messages are shown by no case: a post that only quotes one of them gets no reply by default,"
        " and gets one where the setting answer.rare_messages is on."
    )
    if missing:
        _show_missing(context, found)


def _show_missing(context: Context, found: Coverage) -> None:
    for one in found.messages:
        if not one.covered and one.message.tier < 3:
            first = one.message.text.splitlines()[0]
            context.console.print(f"  tier {one.message.tier} {one.message.subject}: {first}", markup=False)
    for silent in found.silent:
        if not silent.covered:
            context.console.print(f"  silent {silent.name}: {silent.answered}, not {silent.entry}", markup=False)
