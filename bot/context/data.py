"""Small random numbers in place of data that a post does not show, where the code says their shape."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.context.program import ADDED, Line, Program
from bot.domain.snippet import Assumption, AssumptionKind

_EXAMPLES = 8
_BATCHES = 3

_LOADER = re.compile(
    r"^(?P<indent>\s*)(?P<train>\w+)\s*,\s*(?P<test>\w+)\s*=\s*(?:d2l\.)?load_data_fashion_mnist\(.*\)\s*$"
)
#: Its linear layers do not say what a network takes that looks at pictures; its first convolution says how many channels.
_CONVOLUTION = re.compile(r"\bConv\dd\(")
_PICTURES = re.compile(r"\bConv2d\(\s*(?:in_channels\s*=\s*)?(\d+)\s*,")
_CLASSIFIES = re.compile(r"CrossEntropyLoss|cross_entropy|nll_loss|NLLLoss")
_INPUTS = frozenset({
    "x", "X", "inputs", "input", "data", "images", "image", "features", "img", "imgs",
    "batch_x", "x_batch", "x_train", "X_train", "train_x",
})  # fmt: skip
_TARGETS = frozenset({
    "y", "Y", "labels", "label", "target", "targets", "truth",
    "batch_y", "y_batch", "y_train", "Y_train", "train_y", "y_true",
})  # fmt: skip


def with_stand_in_data(program: Program) -> Program:
    """The program with the image loaders of the course replaced by a few random batches of their shape."""
    return replace(program, lines=tuple(_stand_in(line) for line in program.lines))


def stand_in_for(name: str, program: Program) -> tuple[Line, ...]:
    """A line that gives `name` small random data, when the program says what shape they must have."""
    tree = program.tree
    shape = model_shape(tree) if tree is not None else None
    looks = channels_of(program.code)
    if tree is None or shape is None or (looks is None and _CONVOLUTION.search(program.code)):
        return ()
    inputs = f"torch.rand({_EXAMPLES}, {shape.inputs})" if looks is None else pictures(_EXAMPLES, looks)
    values = _values(name, tree, inputs, shape, classifies=_CLASSIFIES.search(program.code) is not None)
    if values is None:
        return ()
    text = f"{name} = {values}"
    note = Assumption(
        kind=AssumptionKind.STAND_IN, text=f"small random data stand in for {name}: {text}", restored=text
    )
    return (Line(text, ADDED, (note,)),)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model takes and gives for one example."""

    inputs: int
    outputs: int | None  #: None: a plain number


def channels_of(code: str) -> int | None:
    """How many channels the pictures have that a program's network looks at; None when it looks at none, or does not say."""
    found = _PICTURES.search(code)
    return int(found[1]) if found else None


def pictures(count: int, channels: int) -> str:
    """Random pictures, as large as those of MNIST where they have one channel, else as those of CIFAR."""
    side = 28 if channels == 1 else 32
    return f"torch.rand({count}, {channels}, {side}, {side})"


def _values(name: str, tree: ast.Module, inputs: str, shape: Shape, *, classifies: bool) -> str | None:
    if classifies:
        targets = f"torch.randint(0, {shape.outputs or 2}, ({_EXAMPLES},))"
    else:
        targets = f"torch.rand({_EXAMPLES}, {shape.outputs})" if shape.outputs else f"torch.rand({_EXAMPLES})"
    if name in _pair_iterables(tree):
        return f"[({inputs}, {targets}) for _ in range({_BATCHES})]"
    if name in _INPUTS:
        return inputs
    return targets if name in _TARGETS else None


def model_shape(tree: ast.Module) -> Shape | None:
    """What the program's first linear layer or weight takes, and its last one gives."""
    layers = [layer for node in ast.walk(tree) if (layer := _layer(node))]
    if layers:
        return Shape(inputs=layers[0][0], outputs=layers[-1][1])
    weights = {name: sizes for statement in tree.body for name, sizes in _weights(statement)}
    for node in ast.walk(tree):
        factor = _right_factor(node)
        if factor in weights:
            sizes = weights[factor]
            return Shape(inputs=sizes[0], outputs=sizes[1] if len(sizes) > 1 else None)
    return None


def _layer(node: ast.AST) -> tuple[int, int] | None:
    match node:
        case ast.Call(
            func=ast.Attribute(attr="Linear") | ast.Name(id="Linear"),
            args=[ast.Constant(value=int(inputs)), ast.Constant(value=int(outputs)), *_],
        ):
            return inputs, outputs
        case _:
            return None


def _weights(statement: ast.stmt) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names that get a tensor of plain sizes: `w = torch.zeros(3, 1)`, `w = torch.normal(0, 1, size=(3, 1))`."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            for node in ast.walk(value):
                if isinstance(node, ast.Call) and (sizes := _sizes(node)):
                    yield name, sizes
                    return


def _sizes(call: ast.Call) -> tuple[int, ...]:
    made = isinstance(call.func, ast.Attribute) and call.func.attr in (
        "zeros", "ones", "rand", "randn", "normal", "empty", "full",
    )  # fmt: skip
    if not made:
        return ()
    named = [keyword.value for keyword in call.keywords if keyword.arg == "size"]
    for parts in [*named, *call.args]:
        if isinstance(parts, ast.Tuple | ast.List):
            return _whole_numbers(parts.elts)
    return _whole_numbers(call.args)


def _whole_numbers(nodes: list[ast.expr]) -> tuple[int, ...]:
    values = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, int)]
    return tuple(values) if len(values) == len(nodes) else ()


def _right_factor(node: ast.AST) -> str | None:
    """The name on the right of a matrix product."""
    match node:
        case ast.BinOp(op=ast.MatMult(), right=ast.Name(id=name)):
            return name
        case ast.Call(func=ast.Attribute(attr="mm" | "matmul" | "mv"), args=[*_, ast.Name(id=name)]):
            return name
        case _:
            return None


def _pair_iterables(tree: ast.Module) -> frozenset[str]:
    """Names that loops go through in pairs, `for X, y in loader`, `for i, (X, y) in enumerate(loader)`, and those that are
    handed over to a function whose loop does."""
    found = set(_gone_through_in_pairs(tree))
    handed = [(given, name, set(_gone_through_in_pairs(function))) for function, given, name in _handed_over(tree)]
    return frozenset(found | {given for given, name, within in handed if name in within})


def _gone_through_in_pairs(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.For(
                target=ast.Tuple(elts=[_, ast.Tuple(elts=[_, _])]), iter=ast.Call(args=[ast.Name(id=name), *_])
            ):
                yield name
            case ast.For(target=ast.Tuple(elts=[ast.Name(), ast.Name()]), iter=ast.Name(id=name)):
                yield name


def _handed_over(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, str, str]]:
    """A function of the program, a name that a call of it is given, and what the function calls it."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in functions:
                function = functions[called]
                parameters = [one.arg for one in function.args.args if one.arg != "self"]
                given = [*zip(node.args, parameters, strict=False), *((one.value, one.arg) for one in node.keywords)]
                for value, name in given:
                    if isinstance(value, ast.Name) and name is not None:
                        yield function, value.id, name


def _stand_in(line: Line) -> Line:
    match = _LOADER.match(line.text)
    if match is None:
        return line
    text = (
        f"{match['indent']}{match['train']} = {match['test']} = "
        f"[(torch.rand({_EXAMPLES}, 1, 28, 28), torch.randint(0, 10, ({_EXAMPLES},))) for _ in range({_BATCHES})]"
    )
    note = Assumption(
        kind=AssumptionKind.STAND_IN,
        text="random batches of 8 images stand in for Fashion-MNIST",
        original=line.text.strip(),
        restored=text.strip(),
    )
    return replace(line, text=text, notes=(*line.notes, note))
