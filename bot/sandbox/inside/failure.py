"""What is told of the exception that ended a program, and what it was behind it that failed."""

from __future__ import annotations

import dis
from types import FrameType, TracebackType
from typing import Any

from inside.calls import SNIPPET
from inside.claim import cut

MOST_FRAMES = 40
MOST_KINDS = 12
_RAISE = dis.opmap["RAISE_VARARGS"]
#: A class answers these itself; a metaclass of strangers' may answer otherwise.
_OF_CLASSES = {name: vars(type)[name].__get__ for name in ("__name__", "__qualname__", "__module__", "__mro__")}


def told(error: BaseException, *, statement: int | None) -> dict[str, Any]:
    """The error as a row of the claim; `statement` is the line that was run."""
    traces = _traces(error)
    frames = [trace.tb_lineno for trace in traces if trace.tb_frame.f_code.co_filename == SNIPPET]
    line = frames[-1] if frames else (error.lineno if isinstance(error, SyntaxError) else statement)
    if len(frames) > MOST_FRAMES:  # endless recursion
        frames = frames[: MOST_FRAMES // 2] + frames[-MOST_FRAMES // 2 :]
    try:
        message = str(error.msg) if isinstance(error, SyntaxError) else str(error)
    except BaseException:  # what it says is strangers' code as well
        message = "(the message could not be read)"
    kind = cut(_OF_CLASSES["__name__"](type(error)), 200)
    return {"type": kind, "message": cut(message, 8000), "line": line, "frames": frames, "ground": _ground(error)}


def _ground(error: BaseException) -> dict[str, Any] | None:
    """What failed: the error, or the one over which the program raised its own; None where it did so of its own accord."""
    for _ in range(MOST_KINDS):
        if not _raised_by_program(error):
            break
        under = error.__cause__ or error.__context__
        if under is None:
            return None
        error = under
    number = error.errno if isinstance(error, OSError) else None
    try:
        said = cut(str(error), 2000)
    except BaseException:  # see above
        said = ""
    return {
        "kinds": [name for kind in _OF_CLASSES["__mro__"](type(error))[:MOST_KINDS] if (name := _full_name(kind))],
        "errno": number if type(number) is int else None,
        "within": _within(error),
        "said": said,
    }


def _raised_by_program(error: BaseException) -> bool:
    """Whether a `raise` or `assert` of the asker's own code made this error, and no call that failed."""
    traces = _traces(error)
    if not traces or not _askers(traces[-1].tb_frame):
        return False
    return traces[-1].tb_frame.f_code.co_code[traces[-1].tb_lasti] == _RAISE


def _within(error: BaseException) -> list[str]:
    """The modules through which a call of the asker's went to where it failed, the innermost last."""
    names: list[str] = []
    for trace in _traces(error):
        name = trace.tb_frame.f_globals.get("__name__")
        names = [] if _askers(trace.tb_frame) else [*names, cut(name, 100) if isinstance(name, str) else ""]
    return names[-MOST_KINDS:]


def _askers(frame: FrameType) -> bool:
    return frame.f_code.co_filename == SNIPPET or frame.f_globals.get("__name__") == "__main__"


def _traces(error: BaseException) -> list[TracebackType]:
    found = []
    trace = error.__traceback__
    while trace is not None:
        found.append(trace)
        trace = trace.tb_next
    return found


def _full_name(kind: type) -> str:
    module, name = _OF_CLASSES["__module__"](kind), _OF_CLASSES["__qualname__"](kind)
    return f"{cut(module, 100)}.{cut(name, 100)}" if isinstance(module, str) and isinstance(name, str) else ""
