"""Candidate programs for a question, best first."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.context.chapters import Chapter, Contexts
from bot.context.data import with_stand_in_data
from bot.context.devices import on_cpu
from bot.context.fill import (
    Source,
    asks_for_gradients,
    chapter_source,
    completed,
    post_origin,
    runnable,
)
from bot.context.imports import IMPORTS, with_course_library
from bot.context.program import Program, program_of
from bot.context.scenes import continued, gap_filled, mentioned
from bot.context.sentences import calls_backward, of_mentions, with_mentioned_call, with_mentioned_read
from bot.context.training import with_training_parts
from bot.context.uncalled import with_calls
from bot.context.variants import called_as_told, told_of
from bot.context.vision import with_data_sets_noted
from bot.context.workers import in_one_process
from bot.domain.post import Post, Question
from bot.domain.snippet import Assumption, AssumptionKind, CodeBlock, Reading, Snippet
from bot.source import bound_names, parse, undefined_names

#: More candidates are not worth a run each.
MOST_CANDIDATES = 4

#: Older posts of a thread are not looked into.
_MOST_POSTS = 40


def snippets(
    question: Question, reading: Reading, *, contexts: Contexts, read: Callable[[Post], Reading]
) -> tuple[Snippet, ...]:
    """Programs that the question may be about, best first, at most four; none when nothing can be run.

    `reading` is the question's own post; `read` takes apart the earlier posts of its thread that are needed.
    """
    chapter = contexts.chapter(question.chapter or contexts.chapter_of(question.title))
    thread = _Thread(question, read)
    found: list[Snippet] = []
    for program in _programs(question, reading, chapter, thread):
        ready = _ready(program, sources=_sources(program, chapter, thread))
        if ready is None:
            continue
        snippet = ready.snippet()
        if all(snippet.code != other.code for other in found):
            found.append(snippet)
        if len(found) == MOST_CANDIDATES:
            break
    return tuple(found)


@dataclass(slots=True)
class _Thread:
    """The earlier posts, read when they are needed and only once."""

    question: Question
    read: Callable[[Post], Reading]
    _programs: dict[int, list[Program]] | None = None

    def posts(self) -> list[Post]:
        """The post replied to, then the asker's own, then the others; the latest first."""
        question = self.question
        replied = question.replied_to
        author = question.post.author
        latest_first = [post for post in reversed(question.earlier[-_MOST_POSTS:]) if post is not replied]
        own = [post for post in latest_first if author and post.author == author]
        others = [post for post in latest_first if post not in own]
        return [*([replied] if replied else []), *own, *others]

    def programs(self, post: Post) -> list[Program]:
        """What a post shows: its last complete program first, then everything together."""
        if self._programs is None:
            self._programs = {}
        if post.number not in self._programs:
            self._programs[post.number] = _programs_of(self.read(post).blocks, source=post_origin(post.number))
        return self._programs[post.number]

    def leaning_on(self) -> Iterator[tuple[Post, Program]]:
        """Programs that a post without code may mean: those of the posts it answers, then the asker's own."""
        author = self.question.post.author
        chain = self._answered()
        own = [post for post in self.posts() if author and post.author == author and post not in chain]
        for post in [*chain, *own]:
            program = next((program for program in self.programs(post) if asks_for_gradients(program)), None)
            if program is not None:
                yield post, program

    def between(self, earlier: Post) -> list[Post]:
        """The posts by which this one answers an earlier one, the latest first."""
        chain = self._answered()
        return chain[: chain.index(earlier)] if earlier in chain else []

    def _answered(self) -> list[Post]:
        """The post replied to, the one that this replied to, and so on."""
        by_number = {post.number: post for post in self.question.earlier}
        chain: list[Post] = []
        post = self.question.replied_to
        while post is not None and post not in chain:
            chain.append(post)
            post = by_number.get(post.reply_to) if post.reply_to is not None else None
        return chain


def _programs(question: Question, reading: Reading, chapter: Chapter | None, thread: _Thread) -> Iterator[Program]:
    number = question.post.number
    blocks = _without_excerpts([block for block in reading.blocks if _does_something(block)])
    if not blocks:
        yield from of_mentions(reading, post=number)
        yield from _without_code(reading, chapter, thread, post=number)
        return
    source = post_origin(number)
    whole = [block for block in blocks if not _is_sketch(block)]
    if 0 < len(whole) < len(blocks):
        yield program_of(_in_order(whole), source=source)
    own = program_of(_in_order(blocks), source=source)
    filled = gap_filled(own, chapter, reading) if chapter else []
    gap = not calls_backward(own)
    if gap:
        yield from filled
        yield from with_mentioned_call(own, reading, post=number)
    yield own
    yield from told_of(own, reading)
    yield from with_mentioned_read(own, reading, post=number)
    yield from _indented_otherwise(blocks, source=source)
    yield from continued(own, chapter, reading) if chapter else ()
    yield from _parts(blocks, source=source)
    if gap:
        yield from _without_code(reading, chapter, thread, post=number)


def _without_code(reading: Reading, chapter: Chapter | None, thread: _Thread, *, post: int) -> Iterator[Program]:
    """For a post that shows nothing that runs: the code it answers, then what it leans on in the chapter."""
    for earlier, program in thread.leaning_on():
        note = Assumption(
            kind=AssumptionKind.FROM_POST,
            text=f"the post shows no program of its own; the one of {post_origin(earlier.number)} is run",
        )
        leant_on = replace(program, own=False, notes=(*program.notes, note))
        yield from called_as_told(leant_on, reading, post=post)
        for later in thread.between(earlier):
            yield from called_as_told(leant_on, thread.read(later), post=later.number)
        yield leant_on
    if chapter is not None:
        yield from mentioned(reading, chapter, post=post)


def _in_order(blocks: Sequence[CodeBlock]) -> list[CodeBlock]:
    """The blocks of a post as they must run: people show the line that fails first, then "where loss is ...".

    A block moves up before one that lacks what it defines, unless it lacks something from there on itself.
    """
    ordered: list[CodeBlock] = []
    for block in blocks:
        wanting = (index for index, other in enumerate(ordered) if _leans(other, block))
        place = next(wanting, len(ordered))
        free = not any(_leans(block, later) for later in ordered[place:])
        ordered.insert(place if free else len(ordered), block)
    return ordered


def _indented_otherwise(blocks: Sequence[CodeBlock], *, source: str) -> Iterator[Program]:
    """The blocks with the indentation of one of them rebuilt in another way."""
    for place, block in enumerate(blocks):
        for other in block.alternatives:
            changed = [*blocks[:place], other, *blocks[place + 1 :]]
            yield replace(program_of(_in_order(changed), source=source), doubtful=True)


def _leans(block: CodeBlock, other: CodeBlock) -> bool:
    """Whether a block lacks, when it runs, a name that another one defines and no customary import gives."""
    tree, defining = parse(block.text), parse(other.text)
    if tree is None or defining is None:
        return False
    lacking = {use.name for use in undefined_names(tree) if not use.deferred}
    return not (lacking - IMPORTS.keys()).isdisjoint(bound_names(defining))


def _does_something(block: CodeBlock) -> bool:
    """Whether a block is more than names for numbers, such as the releases that a form asks for: `Python = 3.6`."""
    tree = parse(block.text)
    busy = (
        ast.Call,
        ast.Attribute,
        ast.BinOp,
        ast.Import,
        ast.ImportFrom,
        ast.Subscript,
        ast.FunctionDef,
        ast.ClassDef,
    )
    return tree is None or any(isinstance(node, busy) for node in ast.walk(tree))


def _is_sketch(block: CodeBlock) -> bool:
    """Whether something is left out in it, as in `torch.stack([...])`, or before or behind it: it shows a way and is no
    step of the program."""
    tree = parse(block.text)
    if tree is not None and tree.body and any(_is_gap(statement) for statement in (tree.body[0], tree.body[-1])):
        return True
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Call(args=values) | ast.List(elts=values):
                if any(isinstance(value, ast.Constant) and value.value is Ellipsis for value in values):
                    return True
    return False


def _is_gap(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement.value.value is ...
    )


def _without_excerpts(blocks: Sequence[CodeBlock]) -> list[CodeBlock]:
    """The blocks without those that only show lines of a program which stands later in the post, and need its names."""

    def is_excerpt(block: CodeBlock, later: Sequence[CodeBlock]) -> bool:
        shown = _statements(block)
        return any(shown < _statements(other) and _leans(block, other) for other in later)

    return [block for place, block in enumerate(blocks) if not is_excerpt(block, blocks[place + 1 :])]


def _statements(block: CodeBlock) -> set[str]:
    lines = (line.partition("#")[0].strip() for line in block.text.splitlines())
    return {line for line in lines if line}


def _parts(blocks: Sequence[CodeBlock], *, source: str) -> Iterator[Program]:
    """Single blocks that are programs by themselves, where a post shows several."""
    if len(blocks) > 1:
        for program in reversed([program_of([block], source=source) for block in blocks]):
            if asks_for_gradients(program) and _self_contained(program):
                yield program


def _programs_of(blocks: Sequence[CodeBlock], *, source: str) -> list[Program]:
    if not blocks:
        return []
    return [*_parts(blocks, source=source), program_of(blocks, source=source)]


def _self_contained(program: Program) -> bool:
    tree = completed(program, sources=()).tree
    return tree is not None and not undefined_names(tree)


def _sources(program: Program, chapter: Chapter | None, thread: _Thread) -> Iterable[Source]:
    """Where missing names are looked for, in this order."""
    tree = program.tree
    if tree is None or not undefined_names(completed(program, sources=()).tree or tree):
        return ()
    sources = [
        Source(program=found, name=post_origin(post.number), kind=AssumptionKind.FROM_POST)
        for post in thread.posts()
        for found in thread.programs(post)[-1:]
    ]
    defined = chapter_source(chapter) if chapter else None
    return [*sources, defined] if defined else sources


def _ready(program: Program, *, sources: Iterable[Source]) -> Program | None:
    """The program as it can be run here, or None when it cannot."""
    prepared = in_one_process(on_cpu(with_stand_in_data(with_course_library(with_calls(program)))))
    whole = completed(prepared, sources=tuple(sources))
    trained = with_training_parts(whole)
    return runnable(with_data_sets_noted(whole if trained is whole else completed(trained, sources=())))
