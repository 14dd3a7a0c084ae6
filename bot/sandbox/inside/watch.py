"""What the tape must record although torch shows it to no mode: optimizers and modules."""

from __future__ import annotations

import functools
import sys
from typing import Any

import torch
from inside import history
from inside.calls import SNIPPET, askers_frame
from inside.tape import Tape
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook


def optimizers(tape: Tape) -> None:
    """Note the making of each optimizer, its steps and its zeroing, with the tensors it holds."""
    make = torch.optim.Optimizer.__init__
    zero = torch.optim.Optimizer.zero_grad

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        frame = askers_frame(sys._getframe(1))
        for module in _modules_in(frame):
            _note_hidden(tape, module)
        make(self, *args, **kwargs)
        _step_unseen(type(self))
        tape.note(_line(), "optimizer", _held(self), note=type(self).__name__)

    def zeroed(self: Any, *args: Any, **kwargs: Any) -> None:
        with torch._C.DisableTorchFunction():
            zero(self, *args, **kwargs)
        if tape.events and tape.events[-1]["op"] != "zero_grad":
            tape.note(_line(), "zero_grad", _held(self), note=type(self).__name__)

    def stepped(self: Any, _args: Any, _kwargs: Any) -> None:
        tape.note(_line(), "step", _held(self), note=type(self).__name__)

    def wrote(self: Any, _args: Any, _kwargs: Any) -> None:
        frame = askers_frame(sys._getframe(1))
        stack = history.stack_of(frame, SNIPPET)
        with torch._C.DisableTorchFunction():
            for tensor in _held(self):
                if tensor.grad is not None:
                    tape.history.wrote(tensor, frame.f_lineno if frame is not None else 0, "step", stack)

    torch.optim.Optimizer.__init__ = made
    torch.optim.Optimizer.zero_grad = zeroed
    register_optimizer_step_pre_hook(stepped)
    register_optimizer_step_post_hook(wrote)


def _step_unseen(optimizer: type[torch.optim.Optimizer]) -> None:
    """Keep the inside of one of torch's own steps off the tape: the hooks tell all of it, and it is most of a loop's calls."""
    step = optimizer.step
    if not optimizer.__module__.startswith("torch.optim.") or getattr(step, "unseen", False):
        return

    @functools.wraps(step)
    def unseen(self: Any, *given: Any, **named: Any) -> Any:
        if given or named:  # a closure runs the asker's own code
            return step(self, *given, **named)
        with torch._C.DisableTorchFunction():
            return step(self)

    unseen.unseen = True  # type: ignore[attr-defined]
    optimizer.step = unseen


def modules(tape: Tape) -> None:
    """Note each module's first call in each mode, and the layers that a module keeps where nobody finds them."""
    seen: set[tuple[int, bool, bool]] = set()

    def called(module: Any, _given: Any) -> None:
        key = (id(module), module.training, torch.is_grad_enabled())
        if key not in seen:
            seen.add(key)
            mode = "train" if module.training else "eval"
            own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
            tape.note(_line(), "module", own, note=f"{type(module).__name__} {mode}")
            _note_hidden(tape, module)

    zero = torch.nn.Module.zero_grad

    def zeroed(self: Any, *args: Any, **kwargs: Any) -> None:
        zero(self, *args, **kwargs)
        tape.note(_line(), "zero_grad", list(self.parameters()), note=type(self).__name__)

    torch.nn.Module.zero_grad = zeroed
    register_module_forward_pre_hook(called)


def hidden_layers(tape: Tape, names: dict[str, Any]) -> None:
    """Note what the modules of a program that has ended keep hidden, also where they were never called."""
    for value in list(names.values()):
        if isinstance(value, torch.nn.Module):
            for module in value.modules():
                _note_hidden(tape, module)


def _note_hidden(tape: Tape, module: Any) -> None:
    found = set(map(id, module.parameters()))
    for attribute, value in vars(module).items():
        if not attribute.startswith("_") and isinstance(value, (list, tuple, dict)):
            items = list(value.values()) if isinstance(value, dict) else list(value)
            hidden = [tensor for item in items for tensor in _parameters_of(item) if id(tensor) not in found]
            if hidden and (id(module), attribute) not in tape.hidden:
                tape.hidden.add((id(module), attribute))
                kind = "dict" if isinstance(value, dict) else "list"
                parameters = "parameter" if isinstance(items[0], torch.nn.Parameter) else "layer"
                note = f"{type(module).__name__}.{attribute} {kind} {parameters}"
                tape.note(_line(), "hidden_parameters", hidden, note=note)


def _parameters_of(item: Any, depth: int = 2) -> list[torch.Tensor]:
    if isinstance(item, torch.nn.Parameter):
        return [item]
    if isinstance(item, torch.nn.Module):
        return list(item.parameters())
    if depth and isinstance(item, (list, tuple)):
        return [tensor for part in item for tensor in _parameters_of(part, depth - 1)]
    return []


def _modules_in(frame: Any) -> list[Any]:
    """The modules that the asker's names mean, in this frame and in the program itself."""
    if frame is None:
        return []
    values = [*list(frame.f_locals.values()), *list(frame.f_globals.values())]
    return [module for value in values if isinstance(value, torch.nn.Module) for module in value.modules()]


def _held(optimizer: Any) -> list[torch.Tensor]:
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]


def _line() -> int:
    frame = askers_frame(sys._getframe(2))
    return frame.f_lineno if frame is not None else 0
