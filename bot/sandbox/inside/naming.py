"""What a program that is rehearsed calls its tensors."""

from __future__ import annotations

import re
import types
from typing import Any

import torch
from inside.calls import askers_frame

#: A line that only asks whether there is a gradient does not want one.
_ASKS_FOR_NONE = re.compile(r"\.grad\s*(?:is|==|!=)\s|\bif\s+[\w.]+\.grad\s*:")


class Naming:
    """The names of a program, empty until `begin`."""

    def __init__(self) -> None:
        self.module: dict[str, Any] = {}
        self._lines: list[str] = []

    def begin(self, module: dict[str, Any], code: str) -> None:
        """Take the names from this module, in which this code runs."""
        self.module = module
        self._lines = code.splitlines()

    def of(self, tensor: torch.Tensor, frame: types.FrameType | None) -> str:
        """What the program calls a tensor: the outermost name, as the innermost may be a lambda's argument."""
        places: list[dict[str, Any]] = []
        while frame is not None and frame.f_locals is not self.module:
            places.append(frame.f_locals)
            frame = askers_frame(frame.f_back) if frame.f_back is not None else None
        for names in (self.module, *reversed(places)):
            for name, value in list(names.items()):
                if value is tensor:
                    return str(name)
        return ""

    def wants_gradient(self, frame: types.FrameType | None) -> bool:
        """Whether the line that reads a `.grad` wants one, and does not only ask whether there is one."""
        if frame is None or frame.f_lineno > len(self._lines):
            return True
        return not _ASKS_FOR_NONE.search(self._lines[frame.f_lineno - 1])
