"""Names everybody writes without their import, and imports that mean the course's own library."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.context.program import ADDED, Line, Program
from bot.context.torch_names import MODULE_OF
from bot.domain.snippet import Assumption, AssumptionKind

_D2L = "from d2l import torch as d2l"

#: The line that gives a customary name its value.
IMPORTS = {
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
    "optim": "from torch import optim",
    "autograd": "from torch import autograd",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "plt": "from matplotlib import pyplot as plt",
    "matplotlib": "import matplotlib",
    "d2l": _D2L,
    "math": "import math",
    "random": "import random",
    "time": "import time",
    "copy": "import copy",
    "os": "import os",
    "sys": "import sys",
    "itertools": "import itertools",
    "functools": "import functools",
    "collections": "import collections",
    "deepcopy": "from copy import deepcopy",
    "partial": "from functools import partial",
    "defaultdict": "from collections import defaultdict",
    "OrderedDict": "from collections import OrderedDict",
    "Variable": "from torch.autograd import Variable",
    "Function": "from torch.autograd import Function",
    "Parameter": "from torch.nn import Parameter",
    "Tensor": "from torch import Tensor",
    "DataLoader": "from torch.utils.data import DataLoader",
    "TensorDataset": "from torch.utils.data import TensorDataset",
    "Dataset": "from torch.utils.data import Dataset",
    "data": "from torch.utils import data",
    "torchvision": "import torchvision",
    "List": "from typing import List",
    "Optional": "from typing import Optional",
    "Tuple": "from typing import Tuple",
    "Dict": "from typing import Dict",
    "Any": "from typing import Any",
    "Callable": "from typing import Callable",
    "display": "display = print",
    "tqdm": "tqdm = lambda items, *_, **__: items",
    "trange": "trange = lambda count, *_, **__: range(count)",
}

#: Functions of the course's library that chapters define and posts call by their bare names.
_D2L_NAMES = frozenset({
    "plot", "set_figsize", "set_axes", "use_svg_display", "synthetic_data", "load_array", "linreg",
    "squared_loss", "sgd", "accuracy", "Timer", "Accumulator", "Animator", "try_gpu",
})  # fmt: skip

#: `t.ones(2)`: torch under a short name.
_TORCH_ALIASES = frozenset({"t", "th", "T"})
_TORCH_FUNCTIONS = re.compile(
    r"\b(?:t|th|T)\.(?:arange|ones|zeros|rand|randn|tensor|Tensor|matmul|mm|autograd|nn|no_grad|manual_seed|linspace|"
    r"float32|optim|eye|full|exp|sin|cos|stack|cat|sum|mean|FloatTensor)\b"
)

#: Parts of torchvision under names that other things have as well, and what tells that it is they.
_TORCHVISION = {"datasets": r"\bdatasets\.(?:\w*MNIST|CIFAR)", "transforms": r"\btransforms\.(?:Compose|ToTensor)\b"}

_OTHER_D2L = re.compile(
    r"^(?P<indent>\s*)(?:from\s+(?:[\w.]*utils[\w.]*)\s+import\s+d2l|import\s+d2l(?:\.torch)?(?:\s+as\s+d2l)?"
    r"|from\s+d2l\s+import\s+(?!torch\b)\w+\s+as\s+d2l|import\s+d2lzh\w*\s+as\s+d2l|from\s+\.+\s*import\s+d2l)\s*$"
)


def import_of(name: str, code: str) -> str | None:
    """The line that gives a customary name its value in this program, or None."""
    if name in _TORCH_ALIASES and _TORCH_FUNCTIONS.search(code):
        return f"import torch as {name}"
    if name == "data" and not re.search(r"\bdata\.(?:DataLoader|TensorDataset)\b", code):
        return None
    if (vision := _TORCHVISION.get(name)) is not None and re.search(vision, code):
        return f"from torchvision import {name}"
    if name in IMPORTS:
        return IMPORTS[name]
    if name in MODULE_OF and (name[0].isupper() or re.search(rf"(?<![\w.]){re.escape(name)}\(", code)):
        return f"from {MODULE_OF[name]} import {name}"
    return f"{_D2L}\n{name} = d2l.{name}" if name in _D2L_NAMES else None


def is_guessed(line: str) -> bool:
    """Whether an added import is of a class that people also write themselves, under the name of torch's own."""
    return re.match(r"from torch\.(?:nn|optim)[\w.]* import [A-Z]", line) is not None


def added_import(name: str, line: str) -> tuple[Line, ...]:
    """The line or lines of an import that was added, on record."""
    note = Assumption(kind=AssumptionKind.ADDED_IMPORT, text=f"added: {line.replace(chr(10), '; ')}", restored=name)
    first, *rest = line.split("\n")
    return (Line(first, ADDED, (note,)), *(Line(text, ADDED) for text in rest))


def with_course_library(program: Program) -> Program:
    """The program with every spelling of the course library's import made one."""
    return replace(program, lines=tuple(_course_library(line) for line in program.lines))


def _course_library(line: Line) -> Line:
    match = _OTHER_D2L.match(line.text)
    if match is None:
        return line
    told = f"a stand-in of the course's library is used: {line.text.strip()} became {_D2L}"
    return line.rewritten(match["indent"] + _D2L, told=told)
