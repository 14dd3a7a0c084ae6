"""Small parts in place of those that a training loop needs and its post does not show: model, batches, optimizer."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.context.data import Shape, channels_of, model_shape, pictures
from bot.context.program import ADDED, Line, Program, statements
from bot.context.roles import MODEL_NAMES, Role, role_of
from bot.domain.snippet import Assumption, AssumptionKind
from bot.source import bound_names, undefined_names

_EXAMPLES = 8
_BATCHES = 3
#: Where something is done in some batches only, such as a step after every fourth.
_MORE_BATCHES = 8

_CLASSES = re.compile(r"CrossEntropy|cross_entropy|nll_loss|NLLLoss|argmax|\.max\(\s*(?:dim=)?1|torch\.max\(")
_LABELS = re.compile(r"\blabels?\b")
_BINARY = re.compile(r"BCE|binary_cross_entropy|\bsigmoid\b")
#: A prediction without the axis of one number that a linear layer gives.
_FLATTENS = re.compile(r"squeeze|\.(?:view|reshape)\(-1\)|\.flatten\(\)|\[:, ?0\]")
_WIDTH = re.compile(r"\.(?:view|reshape)\(\(?\s*-1\s*,\s*(\d+(?:\s*\*\s*\d+)*)\s*\)")
#: Layers that take neither rows of plain numbers nor pictures.
_OTHER_LAYERS = re.compile(r"\b(?:Conv[13]d|Embedding|LSTM|GRU|RNN|Transformer\w*|MultiheadAttention)\(")

_REPEATS = re.compile(r"^\s*(?:for|while)\b|\.step\(|zero_grad", re.MULTILINE)

#: A loop that lacks nothing but these has no part missing.
_MINOR = frozenset({Role.SUM, Role.LIST, Role.INPUTS, Role.TARGETS, Role.SCHEDULER})


def with_training_parts(program: Program) -> Program:
    """The program with the parts of its training loop that nobody shows; unchanged when one of them stays unclear.

    A part is made only where its role is plain from each of its uses and it has a customary name.
    """
    tree = program.tree
    lacking = [use.name for use in undefined_names(tree)] if tree is not None else []
    if tree is None or not lacking or not _trains(program.code) or _OTHER_LAYERS.search(program.code):
        return program
    roles = {name: role for name in lacking if (role := role_of(name, tree)) is not None}
    if _MINOR.issuperset(roles.values()):
        return program
    loop = _Loop.of(program, tree, roles)
    lines: list[Line] = []
    made: set[str] = set()
    behind = 0
    for statement, own in statements(program):
        for name in _in_order(statement, roles):
            value = loop.value_of(roles[name], given=made) if name not in made else None
            if value is None and name not in made:
                return program
            lines.extend([_noted(name, value)] if value else [])
            made.add(name)
        lines.extend(own)
        behind += len(own)
        made |= bound_names(statement)
    return replace(program, lines=(*lines, *program.lines[behind:]), invented=True)


def _trains(code: str) -> bool:
    """Whether it goes back again and again, or updates something: a lone backward shows nothing by itself."""
    return ".backward(" in code and _REPEATS.search(code) is not None


def _in_order(statement: ast.stmt, roles: Mapping[str, Role]) -> list[str]:
    """The missing parts that a statement uses, each behind those that it is made from."""
    used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id in roles}
    order = list(Role)
    return sorted(used, key=lambda name: (order.index(roles[name]), name))


def _noted(name: str, value: str) -> Line:
    text = f"{name} = {value}"
    note = Assumption(
        kind=AssumptionKind.STAND_IN, text=f"nobody shows {name}; a small one stands in for it: {text}", restored=text
    )
    return Line(text, ADDED, (note,))


@dataclass(frozen=True, slots=True)
class _Loop:
    """What a training loop says about its parts."""

    code: str
    roles: Mapping[str, Role]
    shape: Shape
    classifies: bool
    called: Sequence[str]  #: names that are called, and are customary for a model
    channels: int | None  #: of the pictures that a network takes; None: it takes rows of numbers

    @classmethod
    def of(cls, program: Program, tree: ast.Module, roles: Mapping[str, Role]) -> _Loop:
        """Read from the program."""
        code = program.code
        classifies = not _BINARY.search(code) and (
            _CLASSES.search(code) is not None or (Role.CRITERION in roles.values() and _LABELS.search(code) is not None)
        )
        width = _WIDTH.search(code)
        inputs = math.prod(int(number) for number in width[1].split("*")) if width else 4
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        called = {part.id for part in calls if isinstance(part, ast.Name) and MODEL_NAMES.fullmatch(part.id)}
        return cls(
            code=code,
            roles=roles,
            shape=model_shape(tree) or Shape(inputs=inputs, outputs=3 if classifies else 1),
            classifies=classifies,
            called=sorted(called),
            channels=channels_of(code),
        )

    def value_of(self, role: Role, *, given: set[str]) -> str | None:
        """The expression that makes a part, or None when it cannot be told; `given` are names with a value so far."""
        batches = _MORE_BATCHES if "%" in self.code else _BATCHES
        count = _EXAMPLES * batches
        match role:
            case Role.MODEL:
                return self._model()
            case Role.MODEL_CLASS:
                return f"lambda *_, **__: {self._model()}"
            case Role.LOADER:
                return f"[({self._inputs(_EXAMPLES)}, {self._targets(_EXAMPLES)}) for _ in range({batches})]"
            case Role.DATASET:
                return f"torch.utils.data.TensorDataset({self._inputs(count)}, {self._targets(count)})"
            case Role.INPUTS:
                return self._inputs(_EXAMPLES)
            case Role.TARGETS:
                return self._targets(_EXAMPLES)
            case Role.CRITERION:
                return self._criterion()
            case Role.OPTIMIZER:
                models = [name for name in self.called if name in given]
                return f"torch.optim.SGD({models[0]}.parameters(), lr=0.01)" if len(models) == 1 else None
            case Role.SCHEDULER:
                optimizers = [name for name, plays in self.roles.items() if plays is Role.OPTIMIZER]
                optimizers = [name for name in {*optimizers, "optimizer", "opt"} if name in given]
                return f"torch.optim.lr_scheduler.StepLR({optimizers[0]}, 100)" if len(optimizers) == 1 else None
            case Role.SUM:
                return "0.0"
            case Role.LIST:
                return "[]"

    def _model(self) -> str:
        return f"torch.nn.Linear({self.shape.inputs}, {self.shape.outputs or 1})"

    def _inputs(self, count: int) -> str:
        if self.channels is not None:
            return pictures(count, self.channels)
        return f"torch.rand({count}, {self.shape.inputs})"

    def _targets(self, count: int) -> str:
        outputs = self.shape.outputs or 1
        if self.classifies:
            return f"torch.randint(0, {max(outputs, 2)}, ({count},))"
        sizes = f"{count}," if _FLATTENS.search(self.code) else f"{count}, {outputs}"
        return f"torch.randint(0, 2, ({sizes})).float()" if _BINARY.search(self.code) else f"torch.rand({sizes})"

    def _criterion(self) -> str | None:
        """A criterion that fits; None where the code makes probabilities itself, for their criterion is half the matter."""
        if "softmax" in self.code:
            return None
        if _BINARY.search(self.code):
            return "torch.nn.BCELoss()" if "sigmoid(" in self.code else "torch.nn.BCEWithLogitsLoss()"
        return "torch.nn.CrossEntropyLoss()" if self.classifies else "torch.nn.MSELoss()"
