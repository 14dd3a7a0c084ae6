"""What torch calls back, or does with tensors out of the mode's sight: hooks, custom backwards, saving and loading."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import torch
from inside import tensors
from inside.calls import SNIPPET, askers_frame
from inside.tape import Tape
from torch.autograd.function import BackwardCFunction


def functions(tape: Tape) -> None:
    """Note each custom backward that returns whole numbers where the gradient is a floating point number."""
    apply = BackwardCFunction.apply
    seen: set[type] = set()

    def applied(self: Any, *gradients: Any) -> Any:
        returned = apply(self, *gradients)
        if type(self) not in seen:
            with torch._C.DisableTorchFunction():
                cast = _cast(self, returned if isinstance(returned, tuple) else (returned,))
                if cast is not None:
                    seen.add(type(self))
                    tape.note(0, "function_backward", [cast], note=type(self).__name__.removesuffix("Backward"))
        return returned

    BackwardCFunction.apply = applied


def files(tape: Tape) -> None:
    """Note what is saved and what is loaded."""
    save, load = torch.save, torch.load

    @functools.wraps(save)
    def saved(obj: Any, *args: Any, **kwargs: Any) -> Any:
        tape.note(_line(), "save", tensors.found_in(obj))
        return save(obj, *args, **kwargs)

    @functools.wraps(load)
    def loaded(*args: Any, **kwargs: Any) -> Any:
        result = load(*args, **kwargs)
        tape.note(_line(), "load", tensors.found_in(result))
        return result

    torch.save, torch.load = saved, loaded


def watched(tape: Tape, hook: Any) -> Any:
    """A tensor's hook that notes what its first call did: whether it returned a gradient, whether it changed the one it got."""
    if not callable(hook):
        return hook
    waiting = [hook]

    @functools.wraps(hook)  # torch's messages name it
    def look(gradient: torch.Tensor) -> Any:
        if not waiting:
            return hook(gradient)
        waiting.clear()
        version = gradient._version
        returned = hook(gradient)
        with torch._C.DisableTorchFunction():
            more: dict[str, Any] = {"note": "returns nothing" if returned is None else "returns a gradient"}
            if gradient._version != version:
                more["writes"] = [tape.serials.of(gradient)]
            tape.note(_first_line(hook), "hook", [gradient], **more)
        return returned

    return look


def _cast(node: Any, returned: tuple[Any, ...]) -> torch.Tensor | None:
    """The first gradient of whole numbers that is to become one of floating point."""
    for given, (below, place) in zip(returned, node.next_functions, strict=False):
        if not isinstance(given, torch.Tensor) or below is None or given.is_floating_point() or given.is_complex():
            continue
        wanted = below._input_metadata[place].dtype
        if wanted.is_floating_point or wanted.is_complex:
            return given
    return None


def _first_line(hook: Callable[..., Any]) -> int:
    """The line of the asker's code where a function or method of theirs begins; 0 for any other."""
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    return code.co_firstlineno if code is not None and code.co_filename == SNIPPET else 0


def _line() -> int:
    frame = askers_frame(sys._getframe(2))
    return frame.f_lineno if frame is not None else 0
