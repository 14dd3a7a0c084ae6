"""What the tape must record although torch shows it to no mode: optimizers and modules."""

from __future__ import annotations

import sys
from typing import Any

import torch
from inside.tape import Tape, askers_frame
from torch.optim.optimizer import register_optimizer_step_pre_hook


def optimizers(tape: Tape) -> None:
    """Note the making of each optimizer, its steps and its zeroing, with the tensors it holds."""
    make = torch.optim.Optimizer.__init__
    zero = torch.optim.Optimizer.zero_grad

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        tape.note(_line(), "optimizer", _held(self), note=type(self).__name__)

    def zeroed(self: Any, *args: Any, **kwargs: Any) -> None:
        zero(self, *args, **kwargs)
        if tape.events and tape.events[-1]["op"] != "zero_grad":
            tape.note(_line(), "zero_grad", _held(self), note=type(self).__name__)

    def stepped(self: Any, _args: Any, _kwargs: Any) -> None:
        tape.note(_line(), "step", _held(self), note=type(self).__name__)

    torch.optim.Optimizer.__init__ = made  # type: ignore[method-assign]
    torch.optim.Optimizer.zero_grad = zeroed  # type: ignore[method-assign]
    register_optimizer_step_pre_hook(stepped)


def _held(optimizer: Any) -> list[torch.Tensor]:
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]


def _line() -> int:
    frame = askers_frame(sys._getframe(2))
    return frame.f_lineno if frame is not None else 0
