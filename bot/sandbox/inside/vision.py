"""A stand-in for torchvision, so that the commonest course scripts run. It is made when a program imports it, not before.

Its data sets are random images, its transforms make the right shapes. What it lacks is no mistake of the asker's: it is
missing as a module is that is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import torch

NAME = "torchvision"
#: What it consists of, and the file that each part is made of.
PARTS = {f"{NAME}.datasets": "vision_datasets.py", f"{NAME}.transforms": "vision_transforms.py"}


def install() -> None:
    """Make `import torchvision` find the stand-in, and splits of its data sets add up."""
    sys.meta_path.append(_Finder())
    split = torch.utils.data.random_split

    def random_split(dataset: Any, lengths: Sequence[Any], *more: Any, **named: Any) -> Any:
        return split(dataset, _in_proportion(dataset, lengths), *more, **named)

    torch.utils.data.random_split = torch.utils.data.dataset.random_split = random_split


def lacks(module: str, name: str) -> NoReturn:
    """Say of a name of the real library that it is not here."""
    if name.startswith("__"):  # Python asks for `__path__` and the like, and goes on without
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    raise ModuleNotFoundError(f"No module named '{module}.{name}'", name=f"{module}.{name}")


class _Finder:
    """Finds the stand-in and its parts; Python asks it last."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Called before each import that nobody else has an answer to."""
        if name == NAME:
            return ModuleSpec(name, _Package(), is_package=True)  # type: ignore[arg-type]
        return spec_from_file_location(name, Path(__file__).with_name(PARTS[name])) if name in PARTS else None


class _Package:
    """Makes the package itself, which brings its parts when they are asked for."""

    def create_module(self, _spec: ModuleSpec) -> ModuleType | None:
        """Python's ordinary module will do."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fill the new module."""

        def part(name: str) -> Any:
            full = f"{NAME}.{name}"
            return import_module(full) if full in PARTS else lacks(NAME, name)

        module.__version__ = "0+stand.in"  # type: ignore[attr-defined]
        module.__getattr__ = part  # type: ignore[method-assign]


def _in_proportion(dataset: Any, lengths: Sequence[Any]) -> Sequence[Any]:
    """Lengths that add up to the real data set's, made to add up to the stand-in's."""
    whole = getattr(dataset, "stands_for", None)
    if whole is None or len(dataset) == whole or not all(type(one) is int for one in lengths) or sum(lengths) != whole:
        return lengths
    ends = [sum(lengths[: number + 1]) * len(dataset) // whole for number in range(len(lengths))]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
