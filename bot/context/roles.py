"""Which part of a training loop a name that nobody defines can only be, by how the loop uses it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum


class Role(Enum):
    """A part of a training loop that posts leave out."""

    MODEL = "model"  #: called on a batch, asked for its parameters
    MODEL_CLASS = "model class"  #: called once to make the model
    CRITERION = "criterion"  #: called on what the model gives and on the targets
    OPTIMIZER = "optimizer"  #: zero_grad() and step()
    SCHEDULER = "scheduler"  #: step() alone
    LOADER = "loader"  #: gone through in batches
    DATASET = "dataset"  #: given to a DataLoader
    INPUTS = "inputs"  #: a batch that the model is called on
    TARGETS = "targets"  #: what the criterion compares with
    SUM = "sum"  #: a number that is added to
    LIST = "list"  #: something is appended to it


#: How each part is customarily called: the content of what has another name may be what is asked about.
_CUSTOMARY: Mapping[Role, re.Pattern[str]] = {
    Role.MODEL: re.compile(r"(?:my_?)?(?:model|net|network|mlp|cnn|classifier|regressor)\d?"),
    Role.MODEL_CLASS: re.compile(r"[A-Z]\w*|resnet\d+|mlp|get_net|get_model|build_model"),
    Role.CRITERION: re.compile(r"criterion|crit|loss|loss_?(?:fn|func|function|fun|f)|(?:mse|ce|bce)(?:_?loss)?|cost_?fn"),
    Role.OPTIMIZER: re.compile(r"opt|optimi[sz]er|trainer|optim_?\d?|sgd|adam"),
    Role.SCHEDULER: re.compile(r"(?:lr_?)?sched(?:uler)?|lr_?scheduler"),
    Role.LOADER: re.compile(
        r"\w*(?:loader|iter|iterator|generator|batch|batches)(?:_?(?:train|test|val))?|(?:\w+_)?dl|dataset|train_(?:data|set)"
    ),
    Role.DATASET: re.compile(r"(?:(?:train(?:ing)?|test|val|my|full)_?)?(?:data_?)?set|(?:train(?:ing)?|test|val)_data|ds"),
    Role.INPUTS: re.compile(r"x|X|inputs?|data|images?|features|imgs?|batch_x|x_batch|[xX]_train|train_[xX]"),
    Role.TARGETS: re.compile(r"y|Y|labels?|targets?|truth|batch_y|y_batch|[yY]_train|train_[yY]|y_true"),
    Role.SUM: re.compile(r"\w*(?:loss|acc|accuracy|correct|total|cost|error)\w*|n|count"),
    Role.LIST: re.compile(r"\w*(?:loss|losses|history|running|log|logs|accs?|preds?|outputs?)\w*"),
}  # fmt: skip

#: Names of models, for those that the post makes itself.
MODEL_NAMES = _CUSTOMARY[Role.MODEL]

_MODEL_METHODS = frozenset({
    "parameters", "named_parameters", "train", "eval", "zero_grad", "to", "cuda", "cpu", "state_dict", "modules",
    "requires_grad_", "float", "double",
})  # fmt: skip
_OPTIMIZER_METHODS = frozenset({"zero_grad", "step", "state_dict"})
_WRAPS = frozenset({"enumerate", "tqdm", "iter", "len"})


def role_of(name: str, tree: ast.Module) -> Role | None:
    """The only part that a name can be by its every use and by what it is called, or None."""
    uses = list(_uses(name, tree))
    if not uses:
        return None
    for role, customary in _CUSTOMARY.items():
        if customary.fullmatch(name) and _plays(role, uses):
            return role
    return None


_Use = tuple[ast.AST, ...]  #: the name's node, then what it stands in, outwards


def _uses(name: str, tree: ast.Module) -> Iterator[_Use]:
    """Each place where the name stands, with the three nodes around it."""
    stack: list[_Use] = [(tree,)]
    while stack:
        way = stack.pop()
        node = way[0]
        if isinstance(node, ast.Name) and node.id == name:
            yield way
        for child in ast.iter_child_nodes(node):
            stack.append((child, *way[:4]))


def _plays(role: Role, uses: Sequence[_Use]) -> bool:
    match role:
        case Role.MODEL:
            called = [use for use in uses if _call(use, arguments=1) and not _unpacked(use)]
            return bool(called) and all(use in called or _method(use) in _MODEL_METHODS for use in uses)
        case Role.MODEL_CLASS:
            return len(uses) == 1 and _call(uses[0]) is not None and _makes_model(uses[0])
        case Role.CRITERION:
            return all(_call(use, arguments=2) and not _unpacked(use) for use in uses)
        case Role.OPTIMIZER:
            methods = {_method(use) for use in uses}
            return methods <= _OPTIMIZER_METHODS and "step" in methods
        case Role.SCHEDULER:
            return {_method(use) for use in uses} == {"step"}
        case Role.LOADER:
            return all(map(_gone_through, uses)) and any(_pairs(use) for use in uses)
        case Role.DATASET:
            return all(_called(use[1]) in ("DataLoader", "len") for use in uses)
        case Role.INPUTS:
            return any(_given_to(use, Role.MODEL) for use in uses) and all(map(_plainly_used, uses))
        case Role.TARGETS:
            return any(_given_to(use, Role.CRITERION) for use in uses) and all(map(_plainly_used, uses))
        case Role.SUM:
            return any(_added_to(use) for use in uses)
        case Role.LIST:
            return any(_method(use) == "append" for use in uses)


def _call(use: _Use, *, arguments: int | None = None) -> ast.Call | None:
    """The call of the name itself."""
    match use:
        case (name, ast.Call() as call, *_) if call.func is name:
            fits = arguments is None or (len(call.args) == arguments and not call.keywords)
            return call if fits else None
    return None


def _called(node: ast.AST) -> str | None:
    """The last name of what a call calls."""
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
    return None


def _method(use: _Use) -> str | None:
    """The method of the name that is called here."""
    match use:
        case (_, ast.Attribute(attr=method) as attribute, ast.Call() as call, *_) if call.func is attribute:
            return method
    return None


def _unpacked(use: _Use) -> bool:
    """Whether what the call gives is taken apart: a model that gives several things is none of ours."""
    match use:
        case (_, _, ast.Assign(targets=[ast.Tuple() | ast.List()]), *_) | (_, _, ast.Subscript(), *_):
            return True
    return False


def _makes_model(use: _Use) -> bool:
    """Whether the call gives the model its value: `net = Net(4)`, `model = Net().to(device)`."""
    for node in use[2:]:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                return _CUSTOMARY[Role.MODEL].fullmatch(name) is not None
            case ast.Attribute(attr="to" | "cuda" | "train") | ast.Call():
                continue
            case _:
                return False
    return False


def _gone_through(use: _Use) -> bool:
    match use[1]:
        case ast.For() as loop:
            return loop.iter is use[0]
        case ast.Call() as call:
            return _called(call) in _WRAPS
        case _:
            return False


def _pairs(use: _Use) -> bool:
    """Whether the loop takes each batch apart into inputs and targets."""
    loop = next((node for node in use if isinstance(node, ast.For)), None)
    match loop:
        case ast.For(target=ast.Tuple(elts=[ast.Name(), ast.Name()])) if (
            loop.iter is use[0] or _called(use[1]) == "tqdm"
        ):
            return True
        case ast.For(target=ast.Tuple(elts=[ast.Name(), ast.Tuple(elts=[ast.Name(), ast.Name()])])):
            return True
        case ast.For(target=ast.Name(id=batch)) | ast.For(target=ast.Tuple(elts=[ast.Name(), ast.Name(id=batch)])):
            return any(_takes_apart(statement, batch) for statement in loop.body)
    return False


def _takes_apart(statement: ast.stmt, batch: str) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(), ast.Name()])], value=ast.Name(id=name)):
            return name == batch
    return False


def _given_to(use: _Use, role: Role) -> bool:
    """Whether the name is the last argument of a call of what can be a model or a criterion by its name."""
    match use:
        case (name, ast.Call(func=ast.Name(id=called), args=[*_, last]), *_):
            return last is name and _CUSTOMARY[role].fullmatch(called) is not None
    return False


def _plainly_used(use: _Use) -> bool:
    """Whether the name is an argument, moved, or asked for its shape: a slice of it may be empty."""
    return not isinstance(use[1], ast.Subscript | ast.For | ast.AugAssign)


def _added_to(use: _Use) -> bool:
    return isinstance(use[1], ast.AugAssign) and use[1].target is use[0]
