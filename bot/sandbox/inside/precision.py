"""Makes a program compute more finely than it asks for, so that small differences show."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

#: The precisions that programs ask for and in which a difference is lost.
COARSE = (torch.float32, torch.float16, torch.bfloat16)
#: The methods and type names by which they ask.
CASTS = frozenset({"float", "half", "bfloat16"})
TYPES = frozenset({"FloatTensor", "HalfTensor", "BFloat16Tensor"})


class Precision:
    """One floating-point type in place of all coarser ones."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._coarse = frozenset(kind for kind in COARSE if torch.finfo(kind).eps > torch.finfo(dtype).eps)

    @contextlib.contextmanager
    def everywhere(self) -> Iterator[None]:
        """Let new tensors be of this type; a program that sets another default does not get it."""
        setters = torch.set_default_dtype, torch.set_default_tensor_type
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        torch.set_default_dtype = torch.set_default_tensor_type = lambda *_: None
        try:
            yield
        finally:
            torch.set_default_dtype, torch.set_default_tensor_type = setters
            torch.set_default_dtype(before)

    def call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], Any]:
        """The call as it is without its wish for coarse numbers."""
        name = getattr(func, "__name__", "")
        if name in CASTS and self._coarse >= {torch.float32} and args and isinstance(args[0], torch.Tensor):
            return torch.Tensor.to, (args[0], self.dtype), {}
        if name == "type":
            args = tuple(self.dtype if _type_name(given) in TYPES else given for given in args)
        if any(isinstance(given, torch.dtype) for given in (*args, *kwargs.values())):
            args = tuple(self._fine(given) for given in args)
            kwargs = {key: self._fine(given) for key, given in kwargs.items()}
        return func, args, kwargs

    def constants(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, with coarse constants (made where torch does not show it) as finer ones."""
        return tuple(self._finer(value) for value in args), {key: self._finer(kwargs[key]) for key in kwargs}

    def made(self, result: Any) -> Any:
        """What a call made from nothing, in this type: NumPy's arrays bring their own."""
        if isinstance(result, torch.Tensor) and result.dtype in self._coarse:
            return result.detach().to(self.dtype).requires_grad_(result.requires_grad)
        return result

    def of(self, leaf: torch.Tensor) -> torch.dtype:
        """The type in which a leaf is kept."""
        return self.dtype if leaf.dtype in self._coarse else leaf.dtype

    def _fine(self, given: Any) -> Any:
        return self.dtype if isinstance(given, torch.dtype) and given in self._coarse else given

    def _finer(self, value: Any) -> Any:
        match value:
            case torch.Tensor():
                coarse = value.dtype in self._coarse and not value.requires_grad
                return value.to(self.dtype) if coarse else value
            case tuple() | list() if type(value) in (tuple, list):
                return type(value)(self._finer(part) for part in value)
        return value


def _type_name(given: Any) -> str:
    """ "torch.FloatTensor" and torch.FloatTensor → "FloatTensor"."""
    return (given if isinstance(given, str) else getattr(given, "__name__", "")).rsplit(".", 1)[-1]
