"""What one post says: its sentences, code, outputs, quoted error and language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.chinese import is_traditional, simplified
from bot.domain.post import Attachment, Language
from bot.domain.snippet import Assumption, AssumptionKind, CodeBlock, QuotedOutput, Reading
from bot.extract.blocks import Region, RegionKind, SourceLine, regions
from bot.extract.language import spoken_in
from bot.extract.lines import LineKind
from bot.extract.mentions import mentions, without_links
from bot.extract.notebook import typed_in_file, with_notebook
from bot.extract.outputs import labelled_output, output_in_comment, stated_outputs
from bot.extract.program import block_of
from bot.extract.repair_text import without_invisibles
from bot.extract.scan import units
from bot.extract.settling import accepted
from bot.extract.traceback import FoundError, error_in_title, find_errors, main_error
from bot.extract.transcript import TypedLine, typed_lines
from bot.extract.unit import Unit
from bot.source import bound_names, parse

#: The parser that tolerates errors takes 10 ms for so many characters.
_PATIENCE = 1200

_PICTURE = re.compile(
    r"!\[[^\]\n]{0,200}\]\(|<img\b|upload://(?!\w+\.(?:py|ipynb)\b)|\.(?:png|jpe?g|gif|webp)\b", re.IGNORECASE
)
_TAG = re.compile(
    r"</?(?:p|br|div|span|strong|em|b|i|u|li|ul|ol|blockquote|h[1-6]|a|hr)\b[^>\n]{0,200}>", re.IGNORECASE
)
_RULE = re.compile(r"^\s*[-=_*~]{3,}\s*$")
_SENTENCE_SIGN = re.compile(r"[A-Za-z\u3400-\u9fff]")


def read(
    post_text: str, *, title: str = "", language: Language | None = None, attachments: Sequence[Attachment] = ()
) -> Reading:
    """The post taken apart. Never raises, whatever the text; what is beyond 20,000 characters is not read.

    `title` is the topic's title where this post opened the topic: an error may stand there alone.
    `language` is what the caller knows; otherwise it is read from the sentences, then from the title.
    `attachments` are files that the post links: their code comes after the post's own.
    """
    text = without_invisibles(post_text)
    cut = regions(text)
    errors = find_errors([line for region in cut for line in region.lines])
    told = frozenset().union(*(error.lines for error in errors))
    page = _Page()
    quoted: list[Region] = []
    for region in cut:
        if region.kind is RegionKind.QUOTE:
            quoted.append(region)
            continue
        _read_region(page, region, told=told)
    if not page.blocks:
        # Only quoted code: better than none, and the thread it comes from may not be at hand.
        for region in quoted:
            _read_region(page, region, told=told, quote=True)
    for file in attachments:
        _read_file(page, file)
    return _reading(page, text=text, title=title, language=language, errors=errors)


@dataclass(slots=True)
class _Page:
    """What has been read so far."""

    prose: list[str] = field(default_factory=list)
    blocks: list[CodeBlock] = field(default_factory=list)
    outputs: list[QuotedOutput] = field(default_factory=list)
    defined: frozenset[str] = frozenset()
    last_code: str | None = None
    patience: int = _PATIENCE  #: characters of broken code that may still be looked into


def _reading(page: _Page, *, text: str, title: str, language: Language | None, errors: Sequence[FoundError]) -> Reading:
    prose = "\n".join(page.prose).strip()
    words = without_links(prose)
    spoken = language or spoken_in(words, title, _comments(page), quoted=[entry.error for entry in errors])
    error = main_error(errors, text=f"{text}\n{title}") or error_in_title(title)
    written_traditionally = spoken is Language.CHINESE and is_traditional(words or title)
    pictures = _PICTURE.search(text) is not None
    return Reading(
        language=spoken,
        traditional=written_traditionally,
        prose=simplified(prose) if written_traditionally else prose,
        blocks=tuple(page.blocks),
        mentions=mentions(words, defined=page.defined),
        outputs=(*page.outputs, *stated_outputs(words, defined=page.defined)),
        error=error,
        picture_only=pictures and not page.blocks and error is None and not page.outputs,
    )


def _comments(page: _Page) -> str:
    """What the comments in the code say."""
    return "\n".join(comment for block in page.blocks for comment in re.findall(r"#(.*)", block.text))


def _read_region(page: _Page, region: Region, *, told: frozenset[int], quote: bool = False) -> None:
    lines = [line if line.number not in told else SourceLine(number=line.number, text="") for line in region.lines]
    if (notebook := with_notebook(lines)) is not None:
        before, code, behind = notebook
        _read_region(page, replace(region, lines=tuple(before)), told=told, quote=quote)
        _read_lines(page, replace(region, kind=RegionKind.CODE, lines=tuple(code)), code, quote=quote)
        _read_region(page, replace(region, lines=tuple(behind)), told=told, quote=quote)
        return
    _read_lines(page, region, lines, quote=quote)


def _read_lines(page: _Page, region: Region, lines: Sequence[SourceLine], *, quote: bool) -> None:
    marked = region.kind is RegionKind.CODE
    typed = typed_lines(lines, marked=marked)
    if marked and region.says_output:
        _outputs(page, typed)
        return
    if marked and region.says_shell:
        return
    settled = accepted(units(typed, marked=marked), marked=marked, defined=page.defined)
    indented = {line.number for line in region.lines if line.indented}
    for run in _code_runs(settled):
        fenced = marked or all(line.number in indented for unit in run for line in unit.lines if line.text.strip())
        _read_run(page, run, fenced=fenced, quote=quote, marked=marked)


def _read_file(page: _Page, file: Attachment) -> None:
    """The code of an attached file, with a note where it comes from."""
    before = len(page.blocks)
    lines = typed_in_file(file.name, without_invisibles(file.text))
    _read_region(page, Region(kind=RegionKind.CODE, lines=lines, info="python"), told=frozenset())
    note = Assumption(kind=AssumptionKind.FROM_ATTACHMENT, text=f"taken from the attached file {file.name}")
    page.blocks[before:] = [
        # Its lines have no place in the post.
        replace(block, lines=(0,) * len(block.lines), assumptions=(note, *block.assumptions))
        for block in page.blocks[before:]
    ]


def _code_runs(settled: Sequence[Unit]) -> list[list[Unit]]:
    """The units cut at sentences."""
    runs: list[list[Unit]] = []
    for unit in settled:
        prose = unit.kind is LineKind.PROSE
        if not runs or prose or runs[-1][-1].kind is LineKind.PROSE:
            runs.append([unit])
        else:
            runs[-1].append(unit)
    return runs


def _read_run(page: _Page, run: Sequence[Unit], *, fenced: bool, quote: bool, marked: bool) -> None:
    """One run: a sentence, or code with its outputs."""
    if not any(unit.kind is LineKind.CODE for unit in run):
        _read_words(page, run, silent=quote or marked)
        return
    code: list[TypedLine] = []
    left_out: list[str] = []
    for unit in run:
        match unit.kind:
            case LineKind.OUTPUT if page.last_code is not None:
                _output(page, unit.text)
            case LineKind.SHELL:
                left_out.append(unit.text)
            case LineKind.CODE:
                code.extend(unit.lines)
                page.last_code = unit.text.strip()
                shown = output_in_comment(page.last_code)
                page.outputs.extend([shown] if shown else [])
            case LineKind.COMMENT | LineKind.BLANK:
                code.extend(unit.lines)
    page.prose.extend(_asking_comments(run))
    split = {line.number for line in code if line.split}
    block = block_of(code, fenced=fenced, defined=page.defined, split=split, left_out=left_out, patience=page.patience)
    if block is None or any(note.kind is AssumptionKind.LEFT_OUT for note in block.assumptions):
        page.patience -= sum(len(line.text) for line in code)
    if block is None:
        return
    page.blocks.append(block)
    tree = parse(block.text)
    if tree is not None:
        page.defined = page.defined | bound_names(tree)


def _asking_comments(run: Sequence[Unit]) -> list[str]:
    """Comments at the end of code that ask: some people put their question there."""
    end = len(run)
    while end and run[end - 1].kind in (LineKind.COMMENT, LineKind.BLANK):
        end -= 1
    comments = [unit.text.strip().lstrip("# ") for unit in run[end:] if unit.kind is LineKind.COMMENT]
    return comments if any("?" in text or "？" in text for text in comments) else []


def _read_words(page: _Page, run: Sequence[Unit], *, silent: bool) -> None:
    """Sentences and stray outputs; what others said or a fence holds is no sentence of the post."""
    for unit in run:
        if unit.kind is LineKind.OUTPUT and page.last_code is not None:
            _output(page, unit.text)
        elif unit.kind is not LineKind.SHELL and not silent and not _RULE.match(unit.text):
            page.prose.append(_TAG.sub(" ", unit.text).strip())
            value = labelled_output(unit.text)
            if value is not None and page.last_code is not None:
                _output(page, value)


def _outputs(page: _Page, typed: Sequence[TypedLine]) -> None:
    text = "\n".join(line.text for line in typed).strip()
    if text:
        _output(page, text)


def _output(page: _Page, text: str) -> None:
    if _SENTENCE_SIGN.search(text) or any(sign.isdigit() for sign in text):
        page.outputs.append(QuotedOutput(text=text.strip(), after=page.last_code))
