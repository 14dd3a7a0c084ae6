"""Errors and warnings that a post quotes: plain and IPython tracebacks, cut ones, a message in a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.snippet import QuotedError
from bot.extract.blocks import SourceLine
from bot.extract.messages import KNOWN_MARKS, is_autograd_message, known_message

#: A traceback longer than this is read to here.
_LONGEST_TRACEBACK = 200
_LONGEST_MESSAGE = 1200

_HEADER = re.compile(r"Traceback \(most recent call", re.IGNORECASE)
_FRAME = re.compile(r"""^[\s>*_`]*File\s*["“”'<](?P<file>[^"“”']*)["“”'>]?,\s*line\s+(?P<line>\d+)""")
_CELL = re.compile(r"(?:Cell\s+)?In\s*\[\d+\],\s*line\s+(?P<line>\d+)|<ipython-input-[^>]*>\s*in\s")
_MODULE_FRAME = re.compile(r"^\s*[~/\w.\\:-]+\.py\s+in\s+\S+\(|^\s*File\s+\S+\.py:\d+")
_ARROW = re.compile(r"^\s*-{2,}>\s*(?P<line>\d+)\s?(?P<source>.*)$")
_NUMBERED = re.compile(r"^\s*\d+(?:\s|$)")
_RULE = re.compile(r"^\s*(?:[-=]{5,}|[\^~ ]{2,})\s*$")
_TYPE = r"(?:[A-Za-z_][\w.]*\.)?(?P<type>[A-Z]\w*?\s?(?:Error|Exception|Warning)|Warning)"
_ERROR_LINE = re.compile(rf"^[\s>*_`#\"'“”「]*{_TYPE}[*_`]*\s*[:：]\s*(?P<message>\S.*)$")
_WARNING_LINE = re.compile(rf"^\s*\S+?:(?P<line>\d+):\s*{_TYPE}\s*:\s*(?P<message>\S.*)$")
_BARE_TYPE = re.compile(r"^\s*(?P<type>[A-Z]\w*(?:Error|Exception))\s*$")
_GENERIC_LINE = re.compile(
    r"^[\s>*_`#\"'“”「]*(?:ERROR|Error|error|Warning|WARNING|报错|错误|報錯|錯誤|提示)\s*[:：]\s*(?P<message>\S.*)$"
)
_ANYWHERE = re.compile(rf"(?<![\w.]){_TYPE}[*_`]*\s*[:：]\s*(?P<message>\S.*)")
_HAN_OR_FULL_WIDTH = re.compile("[\u3000-\u303f\u3400-\u9fff\uff01-\uff5e]")
# Where a message ends and the person goes on: torch's own sentences never begin so.
_NEXT_SENTENCE = re.compile(
    r"\.?[;!,\s]\s*(?=(?:I|I'm|I've|My|Do|Does|Did|Can|Could|How|What|Why|Please|Thanks|Thank|Any|When|And|But|So|Help|"
    r"Anyone|Someone|and my|and I|how to|but I|when I|please)\b)"
)
_UNFINISHED = re.compile(
    r"(?:[,(]|\b(?:the|a|an|of|is|to|for|and|or|by|that|in|be|have|has|been|it|you|with|not|if|on|as))$"
)
_LIBRARY = re.compile(r"site-packages|dist-packages|[/\\]lib[/\\]python|[/\\]torch[/\\]|importlib")
_TORCH_VERSION = re.compile(
    r"(?<![a-z])(?:py)?torch(?:\.__version__)?[\s:=>v'\"-]{0,6}(?:version|版本)?[\s:=is是为v'\"]{0,6}(\d\.\d{1,2}(?:\.\d+)?)",
    re.IGNORECASE,
)

_MARKS = ("error", "warning", "exception", "traceback", "line ", "-->", "ipython-input", "错", "錯", "提示")


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundError:
    """A quoted error and the lines of the post that hold nothing else."""

    error: QuotedError
    lines: frozenset[int]  #: numbers of lines that are neither sentences nor code
    known: bool  #: it is one of torch's messages about autograd


def find_errors(lines: Sequence[SourceLine]) -> tuple[FoundError, ...]:
    """Every error and warning the lines quote, in order."""
    everything = "\n".join(line.text for line in lines).lower()
    marks = tuple(mark for mark in (*_MARKS, *KNOWN_MARKS) if mark in everything)
    if not marks:
        return ()
    found: list[FoundError] = []
    index = 0
    while index < len(lines):
        text = lines[index].text
        lowered = text.lower()
        if not any(mark in lowered for mark in marks):
            index += 1
        elif _HEADER.search(text) or _FRAME.match(text) or _CELL.search(text) or _ARROW.match(text):
            end = _end_of_traceback(lines, index)
            found.append(_traceback(lines[index:end]))
            index = end
        else:
            single = _single_line(lines, index)
            found.extend([single] if single is not None else [])
            index += 1
    return tuple(found)


def main_error(found: Sequence[FoundError], *, text: str) -> QuotedError | None:
    """The error the post is about: torch's own messages first, then one with a type, then the first."""
    told = [entry for entry in found if entry.error.message]
    if not told:
        return None
    best = max(told, key=lambda entry: (entry.known, entry.error.type is not None, entry.error.line is not None))
    version = _TORCH_VERSION.search(text)
    return QuotedError(
        message=best.error.message,
        type=best.error.type,
        line=best.error.line,
        source=best.error.source,
        torch_version=version.group(1) if version else None,
    )


def error_in_title(title: str) -> QuotedError | None:
    """The error a topic's title quotes."""
    return main_error(find_errors([SourceLine(number=1, text=title)]), text=title)


def _end_of_traceback(lines: Sequence[SourceLine], start: int) -> int:
    """The index behind a traceback: behind its error line, or where trace lines stop when it was cut."""
    limit = min(len(lines), start + _LONGEST_TRACEBACK)
    last = start
    index = start + 1
    while index < limit:
        text = lines[index].text
        if _ERROR_LINE.match(text) or _BARE_TYPE.match(text):
            return _behind_message(lines, index)
        if _is_trace_line(text) or _HEADER.search(text) or (text.strip() and _FRAME.match(lines[index - 1].text)):
            last = index
        elif (text.strip() and (not text.startswith((" ", "\t")) or index - last > 3)) or index - last > 6:
            break
        index += 1
    return last + 1 if last > start else _last_indented(lines, start)


def _last_indented(lines: Sequence[SourceLine], start: int) -> int:
    end = start + 1
    while end < len(lines) and end < start + 3 and lines[end].text.startswith((" ", "\t")):
        end += 1
    return end


def _is_trace_line(text: str) -> bool:
    return any(
        pattern.search(text) for pattern in (_FRAME, _CELL, _MODULE_FRAME, _ARROW, _NUMBERED, _RULE)
    ) or text.startswith(("    ", "\t\t"))


def _behind_message(lines: Sequence[SourceLine], index: int) -> int:
    """Behind the error line and the frames some people paste below it."""
    end = index + 1
    while end < len(lines) and (_FRAME.match(lines[end].text) or _continues(lines, end)):
        end += 2 if _FRAME.match(lines[end].text) else 1
    return min(end, len(lines))


def _continues(lines: Sequence[SourceLine], index: int) -> bool:
    """Whether a line goes on with the message above: terminals wrap long ones."""
    text = lines[index].text.strip()
    return text != "" and _UNFINISHED.search(lines[index - 1].text.rstrip()) is not None


def _traceback(lines: Sequence[SourceLine]) -> FoundError:
    type_, message = None, ""
    for line in lines:
        if match := _ERROR_LINE.match(line.text):
            type_, message = match["type"].replace(" ", ""), match["message"]
        elif match := _BARE_TYPE.match(line.text):
            type_, message = match["type"], match["type"]
        elif message and not _FRAME.match(line.text) and not line.text.startswith("    "):
            message = f"{message} {line.text.strip()}"
    number, source = _own_frame(lines)
    message = _trimmed(message)
    return FoundError(
        error=QuotedError(message=message, type=type_, line=number, source=source),
        lines=frozenset(line.number for line in lines),
        known=is_autograd_message(message),
    )


def _own_frame(lines: Sequence[SourceLine]) -> tuple[int | None, str | None]:
    """Line number and source of the innermost frame that is not a library's."""
    number: int | None = None
    source: str | None = None
    in_cell = False
    for index, line in enumerate(lines):
        if match := _FRAME.match(line.text):
            in_cell = False
            if _LIBRARY.search(match["file"]):
                continue
            following = lines[index + 1].text.strip() if index + 1 < len(lines) else ""
            usable = following and not _FRAME.match(following) and not _ERROR_LINE.match(following)
            number, source = int(match["line"]), following if usable else None
        elif _CELL.search(line.text):
            in_cell = True
        elif _MODULE_FRAME.search(line.text):
            in_cell = False
        elif (match := _ARROW.match(line.text)) and (in_cell or number is None):
            number, source = int(match["line"][:6]), match["source"].strip() or None
    return number, source


def _single_line(lines: Sequence[SourceLine], index: int) -> FoundError | None:
    """An error told in one line: the line itself, or a part of a sentence."""
    line = lines[index]
    whole = _WARNING_LINE.match(line.text) or _ERROR_LINE.match(line.text) or _GENERIC_LINE.match(line.text)
    if whole is not None:
        return _whole_line(lines, index, whole)
    if match := _ANYWHERE.search(line.text):
        return _in_sentence(match["message"], type_=match["type"])
    if match := known_message(line.text):
        return _in_sentence(line.text[match.start() :], type_=None)
    return None


def _whole_line(lines: Sequence[SourceLine], index: int, match: re.Match[str]) -> FoundError | None:
    line = lines[index]
    groups = match.groupdict()
    message = _trimmed(groups["message"])
    known = is_autograd_message(message)
    if "type" not in groups and not known:
        return None
    alone = not line.text.lstrip().startswith("#") and len(message) + 40 >= len(line.text.strip())
    spoken: set[int] = {line.number} if alone else set()
    end = _behind_message(lines, index) if alone else index + 1
    if "line" in groups and end < len(lines) and lines[end].text.startswith((" ", "\t")):
        end += 1
    spoken.update(following.number for following in lines[index + 1 : end])
    type_ = (groups.get("type") or "").replace(" ", "") or None
    tail = " ".join(following.text.strip() for following in lines[index + 1 : end] if not _FRAME.match(following.text))
    number, source = _own_frame(lines[index:end])
    if "line" in groups:
        number, source = int(groups["line"][:6]), tail or None
        tail = ""
    if source:
        tail = ""
    return FoundError(
        error=QuotedError(
            message=_trimmed(f"{message} {tail}") if tail else message,
            type=None if type_ == "Warning" else type_,
            line=number,
            source=source,
        ),
        lines=frozenset(spoken),
        known=known,
    )


def _in_sentence(rest: str, *, type_: str | None) -> FoundError | None:
    message = _trimmed(rest)
    if len(message) < 4:
        return None
    plain = (type_ or "").replace(" ", "")
    return FoundError(
        error=QuotedError(message=message, type=None if plain in ("", "Warning") else plain),
        lines=frozenset(),
        known=is_autograd_message(message),
    )


def _trimmed(message: str) -> str:
    """The message up to where the sentence around it goes on."""
    message = message[:_LONGEST_MESSAGE]
    for mark in ("`", "”", "」", "**", "''", '" ', '".', "' in "):
        message = message.split(mark)[0]
    if (found := _HAN_OR_FULL_WIDTH.search(message)) and found.start() > 3:
        message = message[: found.start()]
    if (found := _NEXT_SENTENCE.search(message)) and found.start() > 3:
        message = message[: found.start()] + ("." if found.group().startswith(".") else "")
    message = message.strip().rstrip("*`“”,;").strip()
    for quote in ("'", '"'):
        if message.endswith(quote) and message.count(quote) % 2:
            message = message[:-1].rstrip()
    return message
